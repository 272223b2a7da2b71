import { expect, test } from '@jest/globals';
import type { Build } from './deployment.ts';
import { missingQueues, type BuildQueue } from './read-queues.ts';
import { serverTime } from './server-time.ts';

const at = (seconds: number): Date => new Date(1_790_000_000_000 + seconds * 1000);
const queue = (polledAt: Date | null): BuildQueue => ({
  name: 'q',
  kind: 'workflow',
  polledAt,
  heartbeatAt: null,
});
const build: Build = {
  buildId: 'two',
  status: 'inactive',
  createdAt: null,
  deactivatedAt: null,
  drainageCheckedAt: null,
};

test.each<[string, Date, readonly Build[], readonly BuildQueue[], Date]>([
  ['this machine says', at(600), [{ ...build, createdAt: at(0) }], [queue(at(590)), queue(null)], at(600)],
  ['a poll says', at(0), [build], [queue(at(590))], at(590)],
  ['a build that was created says', at(0), [{ ...build, createdAt: at(10) }], [], at(10)],
  ['a build that was replaced says', at(0), [{ ...build, deactivatedAt: at(10) }], [], at(10)],
  ['a look at a build says', at(0), [{ ...build, drainageCheckedAt: at(10) }], [], at(10)],
  ['this machine says, whatever workers do', at(0), [], [{ ...queue(null), heartbeatAt: at(9999) }], at(0)],
])('it is as late as %s', (_, own, builds, queues, now) => {
  expect(serverTime(own, { builds }, queues)).toEqual(now);
});

test('a clock that is behind does not keep alive a worker that is gone', () => {
  const gone = [queue(at(0))];
  const current = [queue(at(300))];
  const now = serverTime(at(20), { builds: [] }, [...gone, ...current]);
  expect(missingQueues(gone, current, now)).toEqual(['q (workflow; last seen 300 s ago)']);
});
