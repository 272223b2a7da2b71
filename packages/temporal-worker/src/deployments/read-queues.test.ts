import { describe, expect, test } from '@jest/globals';
import type { DeploymentService } from './call-service.ts';
import { type BuildQueue, missingQueues, readQueues } from './read-queues.ts';

const NOW = new Date('2026-07-01T12:00:00Z');
const ago = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);
const queue = (name: string, kind: BuildQueue['kind'], seen: Partial<BuildQueue> = {}): BuildQueue => ({
  name,
  kind,
  polledAt: null,
  heartbeatAt: null,
  ...seen,
});
const WORKFLOWS = queue('q', 'workflow', { polledAt: ago(10) });

describe('what a build lacks', () => {
  test.each<[string, readonly BuildQueue[], readonly BuildQueue[], readonly string[]]>([
    ['nothing, if each is polled', [queue('q', 'workflow', { polledAt: ago(60) })], [WORKFLOWS], []],
    ['any worker', [], [WORKFLOWS], ['q (workflow)', 'any workflow task queue']],
    [
      'workers that are gone',
      [queue('q', 'workflow', { polledAt: ago(76) })],
      [],
      ['q (workflow; last seen 76 s ago)'],
    ],
    ['workers that were never seen again', [queue('q', 'workflow')], [], ['q (workflow)']],
    [
      'the other kind of the same name',
      [WORKFLOWS],
      [queue('q', 'activity', { polledAt: ago(1) })],
      ['q (activity)'],
    ],
    [
      'workflows, if it has activities only',
      [queue('q', 'activity', { polledAt: ago(1) })],
      [],
      ['any workflow task queue'],
    ],
    [
      'a queue of the current build',
      [WORKFLOWS],
      [WORKFLOWS, queue('r', 'activity', { polledAt: ago(1) })],
      ['r (activity)'],
    ],
    [
      'a queue of the current build whose only worker is busy and polled long ago',
      [WORKFLOWS],
      [WORKFLOWS, queue('gpu', 'activity', { polledAt: ago(200) }), queue('slow', 'activity')],
      ['gpu (activity)', 'slow (activity)'],
    ],
    [
      'nothing, if its own worker is busy',
      [WORKFLOWS, queue('gpu', 'activity', { heartbeatAt: ago(60) })],
      [WORKFLOWS, queue('gpu', 'activity')],
      [],
    ],
    [
      'a worker that was busy and has crashed',
      [WORKFLOWS, queue('gpu', 'activity', { heartbeatAt: ago(76), polledAt: ago(90) })],
      [],
      ['gpu (activity; last seen 76 s ago)'],
    ],
    [
      'a worker whose clock is ahead by more than it could be seen',
      [WORKFLOWS, queue('gpu', 'activity', { heartbeatAt: ago(-600) })],
      [],
      ['gpu (activity; last seen -600 s ago)'],
    ],
  ])('%s', (_, build, current, missing) => {
    expect(missingQueues(build, current, NOW)).toEqual(missing);
  });
});

describe('the heartbeats of workers', () => {
  const RUNNING = 1;
  const SHUTDOWN = 3;
  const stamp = (at: Date) => ({ seconds: at.getTime() / 1000, nanos: 0 });
  const busy = { currentUsedSlots: 1 };
  const heartbeat = (key: string, taskQueue: string, rest: object) => ({
    workerHeartbeat: { workerInstanceKey: key, taskQueue, status: RUNNING, ...rest },
  });
  const readAll = (calls: object) =>
    readQueues(
      {
        namespace: 'n',
        identity: 'operator',
        connection: {
          withDeadline: (_: number, call: () => unknown) => call(),
          workflowService: {
            describeWorkerDeploymentVersion: async () => ({
              versionTaskQueues: [
                { name: 'q', type: 1 },
                { name: 'gpu', type: 2 },
              ],
            }),
            describeTaskQueue: async () => ({ versionsInfo: {} }),
            ...calls,
          },
        },
      } as unknown as DeploymentService,
      'd',
      'b',
    );
  const none = { nextPageToken: new Uint8Array() };

  test('name the queues on which workers that run are busy or poll, from each page and from each worker', async () => {
    const pages = [
      {
        workersInfo: [
          heartbeat('1', 'gpu', { heartbeatTime: stamp(ago(20)), activityTaskSlotsInfo: busy }),
          heartbeat('2', 'gpu', { heartbeatTime: stamp(ago(40)), activityTaskSlotsInfo: busy }),
          heartbeat('3', 'q', {
            heartbeatTime: stamp(ago(1)),
            workflowPollerInfo: { currentPollers: 2 },
            status: SHUTDOWN,
          }),
        ],
        workers: [],
        nextPageToken: new Uint8Array([1]),
      },
      { workersInfo: [], workers: [{ workerInstanceKey: '4' }], ...none },
    ];
    const queues = await readAll({
      listWorkers: async () => pages.shift(),
      describeWorker: async () => ({
        workerInfo: heartbeat('4', 'q', {
          heartbeatTime: stamp(ago(30)),
          workflowPollerInfo: { currentPollers: 2 },
        }),
      }),
    });
    expect(queues).toEqual([
      queue('q', 'workflow', { heartbeatAt: ago(30) }),
      queue('gpu', 'activity', { heartbeatAt: ago(20) }),
    ]);
  });

  test.each([3, 5, 7, 12])('are none where the server answers %i', async (code) => {
    const listWorkers = async () => {
      throw Object.assign(new Error('no'), { code, details: 'no', metadata: {} });
    };
    await expect(readAll({ listWorkers })).resolves.toEqual([
      queue('q', 'workflow'),
      queue('gpu', 'activity'),
    ]);
  });
});
