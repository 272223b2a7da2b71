import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, jest, test } from '@jest/globals';
import type { Payload } from '@temporalio/common';
import { createCodec } from '../codecs/create-codec.ts';
import { readEnvelope } from '../codecs/envelope.ts';
import { createMemorySource, sourceAway } from '../testing/memory-source.ts';
import { jsonPayload, plain } from '../testing/payloads.ts';
import { createEnvelopeKeyRing } from './envelope-key-ring.ts';
import type { KeyRing } from './key-ring.ts';
import { watchKeyFile } from './watch-key-file.ts';

const STORM = 2000;
const codecOf = (keys: KeyRing) => createCodec({ keys, namespace: 'prod', domain: 'dispatch' });
const keysNamed = (payloads: readonly Payload[]): readonly string[] => [
  ...new Set(
    payloads.map((payload) => {
      const envelope = readEnvelope(payload);
      return `${envelope?.keyId ?? ''} ${Buffer.from(envelope?.wrappedKey ?? []).toString()}`;
    }),
  ),
];

afterEach(() => {
  jest.useRealTimers();
});

test('a key file is rotated again and again in a storm: nothing fails, old and new are decoded', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'codec-storm-'));
  const path = join(folder, 'keys.json');
  let active = 0;
  /** Each rotation at once, without giving the readers time: they find a new key when a payload names it. */
  const rotate = async (): Promise<void> => {
    active++;
    const keys = Array.from({ length: active }, (_, at) => ({
      id: `k${at + 1}`,
      key: Buffer.alloc(32, at + 1).toString('base64url'),
    }));
    const ring = { domains: { dispatch: { active: `k${active}`, keys } } };
    await writeFile(`${path}.next`, JSON.stringify(ring));
    await rename(`${path}.next`, path);
  };
  await rotate();
  const writer = await watchKeyFile(path, { intervalMs: 3 });
  const reader = await watchKeyFile(path, { intervalMs: 3_600_000 });
  const encoded: Payload[] = [];
  const decoded: Payload[] = [];
  for (let at = 0; at < STORM; at += 20) {
    if (at % 100 === 0) await rotate();
    const batch = (
      await Promise.all(
        Array.from({ length: 20 }, (_, one) => codecOf(writer).encode([jsonPayload(at + one)])),
      )
    ).flat();
    encoded.push(...batch);
    decoded.push(...(await codecOf(reader).decode(batch)));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const expected = Array.from({ length: STORM }, (_, at) => plain(jsonPayload(at)));
  expect(decoded.map(plain)).toEqual(expected);
  expect((await codecOf(writer).decode(encoded)).map(plain)).toEqual(expected);
  expect(keysNamed(encoded).length).toBeGreaterThan(5);
  writer.close();
  reader.close();
  await rm(folder, { recursive: true });
}, 60_000);

test('data keys are replaced again and again in a storm, by a source that is slow and often away: nothing fails', async () => {
  jest.useFakeTimers();
  const source = createMemorySource('kms');
  const domains = { dispatch: { active: source } };
  const [writer, reader] = await Promise.all(
    [{ windowMs: 1000, maxEncryptions: 100 }, {}].map((more) =>
      createEnvelopeKeyRing({ namespace: 'prod', domains, random: () => 0, ...more }),
    ),
  );
  if (writer === undefined || reader === undefined) throw new Error('no rings');
  let requests = 0;
  source.trouble = (operation) => {
    // Two of three requests for a new key fail; those for a known one are only slow.
    if (operation === 'generate' && ++requests % 3 !== 0) return sourceAway();
    return new Promise((resolve) => setTimeout(resolve, 400));
  };
  const encoded: Payload[] = [];
  const decoding: Promise<Payload[]>[] = [];
  for (let at = 0; at < STORM; at++) {
    const one = await codecOf(writer).encode([jsonPayload(at)]);
    encoded.push(...one);
    decoding.push(codecOf(reader).decode(one));
    await jest.advanceTimersByTimeAsync(50);
  }
  await jest.advanceTimersByTimeAsync(10_000);
  const expected = Array.from({ length: STORM }, (_, at) => plain(jsonPayload(at)));
  expect((await Promise.all(decoding)).flat().map(plain)).toEqual(expected);
  expect((await codecOf(writer).decode(encoded)).map(plain)).toEqual(expected);
  expect(keysNamed(encoded).length).toBeGreaterThan(10);
  // However many wait for a key, it is asked for once.
  expect(source.unwrapped).toBeLessThanOrEqual(keysNamed(encoded).length);
  writer.close();
  reader.close();
}, 60_000);
