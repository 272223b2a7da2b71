import { expect, test } from '@jest/globals';
import { assertWorkerSizes, type WorkerSizes } from './assert-worker-sizes.ts';

const whole = 'a whole number from 1';

test.each<[WorkerSizes, string]>([
  ...(['cpu.cores', 'io.maximum', 'provider.concurrency'] as const).flatMap((option) => {
    const [kind, name = ''] = option.split('.');
    return [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY].map((value): [WorkerSizes, string] => [
      { slots: { kind, [name]: value } as never },
      `slots.${name} must be ${whole}, and is ${value}`,
    ]);
  }),
  [{ slots: { kind: 'gpu', concurrency: 3 as never } }, 'slots.concurrency must be 1 or 2, and is 3'],
  [{ slots: { kind: 'gpu', concurrency: 0 as never } }, 'slots.concurrency must be 1 or 2, and is 0'],
  [{ slots: { kind: 'provider' } as never }, 'slots.concurrency must be given, and is undefined'],
  ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY].map((perSecond): [WorkerSizes, string] => [
    { slots: { kind: 'provider', concurrency: 1, perSecond } },
    `slots.perSecond must be a number above 0, and is ${perSecond}`,
  ]),
  [{ slots: { kind: 'disk' } as never }, 'slots.kind must be cpu, io, gpu or provider, and is "disk"'],
  [
    { slots: { kind: 'io', slots: 5 } as never },
    'slots.slots must be an option of its preset, and is "slots"',
  ],
  [{ pool: 'urgent' as never }, 'pool must be critical or background, and is "urgent"'],
  [{ workflowTasks: 1 }, 'workflowTasks must be a whole number from 2, and is 1'],
  [{ workflowTaskPollers: 0 }, 'workflowTaskPollers must be a whole number from 2, and is 0'],
  [{ cachedWorkflows: 1 }, 'cachedWorkflows must be 0 (no cache) or a whole number from 2, and is 1'],
  [{ cachedWorkflows: -1 }, 'cachedWorkflows must be a whole number from 0, and is -1'],
  ...(['stickyTimeoutMs', 'heartbeatThrottleMs', 'shutdownGraceMs', 'shutdownForceMs'] as const).flatMap(
    (option) =>
      [-5, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 86_400_001].map((value): [WorkerSizes, string] => [
        { [option]: value },
        `${option} must be whole milliseconds from ${option.startsWith('shutdown') ? 0 : 1} to 86400000, and is ${value}`,
      ]),
  ),
  [{ workflowTasks: 40, cachedWorkflows: 10 }, 'workflowTasks is 40, more than its cachedWorkflows of 10'],
  [
    { workflowTaskPollers: 9, workflowTasks: 8 },
    'workflowTaskPollers is 9, more than its workflowTasks of 8',
  ],
])('%j is refused', (sizes, problem) => {
  const check = () => assertWorkerSizes({ taskQueue: 'payments', ...sizes });
  expect(check).toThrow(
    expect.objectContaining({
      code: 'TEMPORAL_WORKER_OPTIONS',
      retryable: false,
      message: `worker of task queue payments: ${problem}`,
    }),
  );
});

test.each<[WorkerSizes]>([
  [{}],
  [{ slots: { kind: 'provider', concurrency: 1, perSecond: 0.2 }, pool: 'background' }],
  [{ slots: { kind: 'gpu', concurrency: 2 }, pool: 'critical' }],
  [{ cachedWorkflows: 0, workflowTasks: 40, workflowTaskPollers: 2 }],
  [{ stickyTimeoutMs: 1, heartbeatThrottleMs: 1, shutdownGraceMs: 0, shutdownForceMs: 0 }],
])('%j is accepted', (sizes) => {
  expect(() => assertWorkerSizes({ taskQueue: 'payments', ...sizes })).not.toThrow();
});
