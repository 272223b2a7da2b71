import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import type { StreamStore } from '../stream/stream-store.ts';
import { nextId } from './store-drafts.ts';

/** What every store of streams promises. */
export function describeStreams(given: () => { readonly streams: StreamStore }): void {
  describe('the state of a stream', () => {
    const at = (lastPosition: string | null, notificationCount = 1): StreamState => ({
      status: 'firing',
      notificationCount,
      lastNotifiedAt: 1_700_000_000_123,
      lastPosition,
      externalIds: { webhook: 'x' },
      lastSeen: 'firing',
      episode: '7',
      silence: { reason: 'continuing', since: '8' },
    });
    const record = (key: StreamKey, state: StreamState) => given().streams.write({ stream: key, state });
    const stream = () => ({ fingerprint: nextId('f'), routeId: 'r', connectedAppId: 'a' });

    test('is the initial one before anything was recorded, and what was recorded afterwards', async () => {
      const key = stream();
      await expect(given().streams.read(key)).resolves.toEqual(INITIAL_STREAM_STATE);
      await record(key, at('18446744073709551615'));
      await expect(given().streams.read(key)).resolves.toEqual(at('18446744073709551615'));
      await expect(given().streams.read(stream())).resolves.toEqual(INITIAL_STREAM_STATE);
    });

    test('never goes back, in whatever order writers come', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { minLength: 1, maxLength: 6 }),
          async (positions) => {
            const key = stream();
            await Promise.all(positions.map((position) => record(key, at(String(position)))));
            const newest = positions.reduce((a, b) => (a > b ? a : b));
            await expect(given().streams.read(key)).resolves.toEqual(at(String(newest)));
          },
        ),
        { numRuns: 15 },
      );
    });

    test('is written again at the same position, and compared as a number', async () => {
      const key = stream();
      await record(key, at('9'));
      await record(key, at('10'));
      await record(key, at('9', 99));
      await record(key, at('10', 2));
      await expect(given().streams.read(key)).resolves.toEqual(at('10', 2));
    });
  });
}
