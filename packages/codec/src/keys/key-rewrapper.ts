import { createHash } from 'node:crypto';
import { CodecError } from '../contract/errors.ts';
import type { CodecMetrics } from '../telemetry/codec-metrics.ts';
import type { CodecKey } from './codec-key.ts';
import { counted } from './count-request.ts';
import type { EnvelopeKeySource, KeyBinding } from './envelope-key-source.ts';
import type { KeyCache } from './key-cache.ts';
import { rewrapDataKey } from './rewrap-data-key.ts';
import { MAX_WRAPPED_BYTES } from './wrapped-key.ts';

/** Options of {@link createKeyRewrapper}. */
export interface KeyRewrapperOptions {
  /** The source that wraps the data keys that encrypt. */
  readonly source: EnvelopeKeySource;
  readonly binding: KeyBinding;
  /** How long the source may take to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** What was wrapped anew, by what it was before: objects that had one wrapped key have one afterwards. */
  readonly cache: KeyCache;
  /** The key that encrypts now: the newest version that is known here is the one that wrapped it. */
  readonly current: () => CodecKey;
  /** Asks the source for a data key, so that nothing is given out that does not unwrap. */
  readonly unwrap: (wrapped: Uint8Array) => CodecKey | Promise<CodecKey>;
  readonly metrics: Pick<CodecMetrics, 'keyRequested'> | undefined;
}

/** Wraps data keys of a domain anew that an older version of the key of its source wrapped. */
export interface KeyRewrapper {
  /**
   * The same data key, wrapped by the newest version; null where that wrapped it already, where the source does not show
   * versions, and for what has no usable size.
   *
   * @throws CodecError CODEC_KEY_REFUSED or CODEC_KEY_UNAVAILABLE
   */
  rewrap(wrapped: Uint8Array): Promise<Uint8Array | null>;
}

/** Creates what wraps data keys anew. */
export function createKeyRewrapper(options: KeyRewrapperOptions): KeyRewrapper {
  const { source, binding, timeoutMs, cache, current, unwrap, metrics } = options;
  const versionOf = (wrapped: Uint8Array | null): number | null =>
    wrapped === null ? null : source.wrappingVersion(wrapped);
  return {
    async rewrap(wrapped) {
      const before = versionOf(wrapped);
      const newest = versionOf(current().wrapped);
      if (before === null || newest === null || before >= newest || wrapped.length > MAX_WRAPPED_BYTES)
        return null;
      // The bytes are the caller's, who may change them while the source is asked.
      const copy = Uint8Array.from(wrapped);
      const name = createHash('sha256').update(`${newest}/`).update(copy).digest('base64');
      const key = await cache.find(name, async () => {
        const request = { wrapped: copy, binding, from: source, to: source, timeoutMs };
        const anew = await counted(metrics, source, 'rewrap', rewrapDataKey(request));
        if ((versionOf(anew) ?? 0) < newest) throw outdated(source.id, newest);
        return unwrap(anew);
      });
      return key.wrapped;
    },
  };
}

/** A replica of the service that has not heard of the newest version yet. */
function outdated(id: string, newest: number): CodecError {
  return new CodecError(
    'CODEC_KEY_UNAVAILABLE',
    `Key ${id}: its source did not wrap a data key with version ${newest}, which it has used before.`,
    { keyId: id, retryable: true },
  );
}
