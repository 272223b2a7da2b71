import { randomBytes } from 'node:crypto';
import { CodecError } from '../contract/errors.ts';
import type { EnvelopeKeySource, KeyBinding } from '../keys/envelope-key-source.ts';

/** What a source meets that is away. */
export const sourceAway = () => new CodecError('CODEC_KEY_UNAVAILABLE', 'away', { retryable: true });
/** What a source answers that refuses. */
export const keyRefused = () => new CodecError('CODEC_KEY_REFUSED', 'denied');

/** A request that a source is asked for. */
export type MemoryOperation = 'generate' | 'unwrap' | 'wrap' | 'rewrap';

/** A source in memory. `trouble` decides what a request meets: an error, a promise to wait for, or nothing. */
export function createMemorySource(id: string) {
  const given = new Map<string, Uint8Array>();
  const nameOf = (binding: KeyBinding, wrapped: Uint8Array): string =>
    JSON.stringify([binding.namespace, binding.domain, Buffer.from(wrapped).toString()]);
  const give = (binding: KeyBinding, plaintext: Uint8Array): Uint8Array => {
    const wrapped = Buffer.from(`${id}:${given.size}`);
    given.set(nameOf(binding, wrapped), Uint8Array.from(plaintext));
    return wrapped;
  };
  const find = (binding: KeyBinding, wrapped: Uint8Array): Uint8Array => {
    const plaintext = given.get(nameOf(binding, wrapped));
    if (plaintext === undefined) throw keyRefused();
    return Uint8Array.from(plaintext);
  };
  const source = {
    id,
    generated: 0,
    unwrapped: 0,
    waiting: 0,
    trouble: (_operation: MemoryOperation): Error | Promise<void> | undefined => undefined,
    async meet(operation: MemoryOperation): Promise<void> {
      const trouble = source.trouble(operation);
      if (trouble instanceof Error) throw trouble;
      source.waiting++;
      await trouble;
      source.waiting--;
    },
    async generateDataKey(binding: KeyBinding, _signal?: AbortSignal) {
      source.generated++;
      await source.meet('generate');
      const plaintext = randomBytes(32);
      return { plaintext, wrapped: give(binding, plaintext) };
    },
    async unwrapDataKey(wrapped: Uint8Array, binding: KeyBinding, _signal?: AbortSignal) {
      source.unwrapped++;
      await source.meet('unwrap');
      return find(binding, wrapped);
    },
    wrappingVersion: (_wrapped: Uint8Array): number | null => null,
    async wrapDataKey(plaintext: Uint8Array, binding: KeyBinding, _signal?: AbortSignal) {
      await source.meet('wrap');
      return give(binding, plaintext);
    },
    async rewrapDataKey(wrapped: Uint8Array, from: object, binding: KeyBinding, _signal?: AbortSignal) {
      if (from !== source) return null;
      await source.meet('rewrap');
      return give(binding, find(binding, wrapped));
    },
  };
  return source satisfies EnvelopeKeySource;
}
