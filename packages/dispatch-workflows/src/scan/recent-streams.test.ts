import { expect, test } from '@jest/globals';
import { createRecentStreams } from './recent-streams.ts';

const stream = (fingerprint: string, connectedAppId = 'a') => ({ fingerprint, routeId: 'r', connectedAppId });

test('streams that were signalled are remembered for a while, each once', () => {
  let now = 0;
  const recent = createRecentStreams({ now: () => now, keepMs: 1000 });
  for (const appId of ['a', 'b', 'a']) recent.add(stream('x', appId));
  expect(recent.of('x')).toEqual([stream('x', 'a'), stream('x', 'b')]);
  expect(recent.of('y')).toEqual([]);
  now = 900;
  recent.add(stream('x'));
  now = 1900;
  expect(recent.of('x')).toHaveLength(2);
  now = 1901;
  expect(recent.of('x')).toEqual([]);
});

test('of too many, those with the oldest signals are forgotten', () => {
  const recent = createRecentStreams({ now: () => 0, maxFingerprints: 2 });
  for (const fingerprint of ['x', 'y', 'x', 'z']) recent.add(stream(fingerprint));
  expect(['x', 'y', 'z'].filter((fingerprint) => recent.of(fingerprint).length > 0)).toEqual(['x', 'z']);
});
