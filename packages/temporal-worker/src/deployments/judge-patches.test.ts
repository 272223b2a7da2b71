import { describe, expect, test } from '@jest/globals';
import type { Build, BuildStatus, Deployment } from './deployment.ts';
import { judgePatches } from './judge-patches.ts';
import type { RunPatches } from './run-patches.ts';

const build = (buildId: string, minute: number, status: BuildStatus): Build => ({
  buildId,
  status,
  createdAt: new Date(minute * 60_000),
  deactivatedAt: null,
  drainageCheckedAt: null,
});
const deployment = (...builds: readonly Build[]): Deployment => ({
  name: 'd',
  current: builds.find(({ status }) => status === 'current')?.buildId ?? null,
  ramp: null,
  builds,
  isPropagated: true,
  lastModifiedBy: null,
  conflictToken: new Uint8Array(),
});
const run = (patches: Partial<RunPatches>): RunPatches => ({
  workflowId: 'w',
  runId: 'r',
  workflowType: 't',
  recorded: [],
  deprecated: [],
  builds: ['d:b2'],
  ...patches,
});
const three = deployment(build('b1', 1, 'drained'), build('b2', 2, 'drained'), build('b3', 3, 'current'));
const judge = (
  runs: readonly RunPatches[],
  asked: Parameters<typeof judgePatches>[2] = {},
  where: Deployment = three,
) => judgePatches(where, runs, { patchId: 'x', workflowType: 't', ...asked })[0];

describe('the old path of a patch', () => {
  test.each<[string, readonly RunPatches[], Parameters<typeof judgePatches>[2], string]>([
    ['is unknown without the build that introduced the patch', [run({ recorded: ['x'] })], {}, 'unknown'],
    [
      'is unneeded if every run began on a build that has it',
      [run({}), run({ builds: ['d:b3'] })],
      { introducedIn: 'b2' },
      'yes',
    ],
    ['is unneeded if nothing is open', [], { introducedIn: 'b2' }, 'yes'],
    [
      'may be needed by a run of an earlier build',
      [run({ builds: ['d:b1', 'd:b2'] })],
      { introducedIn: 'b2' },
      'no',
    ],
    // In a loop, the first pass took the old path and a later one recorded the id.
    [
      'may be needed even by a run that recorded it',
      [run({ recorded: ['x'], builds: ['d:b1', 'd:b2'] })],
      { introducedIn: 'b2' },
      'no',
    ],
    [
      'may be needed by a run of an unversioned worker',
      [run({ builds: ['unversioned'] })],
      { introducedIn: 'b2' },
      'no',
    ],
    [
      'may be needed by a run of another deployment',
      [run({ builds: ['e:b2'] })],
      { introducedIn: 'b2' },
      'no',
    ],
    [
      'may be needed by a run of a build that is forgotten',
      [run({ builds: ['d:b0'] })],
      { introducedIn: 'b2' },
      'no',
    ],
    ['may be needed if nobody knows the build that introduced it', [run({})], { introducedIn: 'b9' }, 'no'],
  ])('%s', (_, runs, asked, answer) => {
    expect(judge(runs, asked)?.mayDeprecate.answer).toBe(answer);
  });

  test.each<[BuildStatus, string]>([
    ['draining', 'no'],
    ['ramping', 'no'],
    ['drained', 'yes'],
    ['inactive', 'yes'],
  ])('while an earlier build is %s: %s', (status, answer) => {
    const where = deployment(build('b1', 1, status), build('b2', 2, 'current'));
    expect(judge([run({})], { introducedIn: 'b2' }, where)?.mayDeprecate.answer).toBe(answer);
  });
});

describe('the call', () => {
  test.each<[string, readonly RunPatches[], Parameters<typeof judgePatches>[2], string]>([
    ['is needed by a run that recorded it', [run({ recorded: ['x'] })], { deprecatedIn: 'b2' }, 'no'],
    ['is needed by a run that has not reached it, as far as one knows', [run({})], {}, 'unknown'],
    ['is unneeded by one that cannot record it any more', [run({})], { deprecatedIn: 'b2' }, 'yes'],
    [
      'is unneeded by one in which only deprecatePatch recorded it',
      [run({ deprecated: ['x'] })],
      { deprecatedIn: 'b2' },
      'yes',
    ],
    ['is unknown if nobody knows the build that deprecated it', [], { deprecatedIn: 'b9' }, 'no'],
  ])('%s', (_, runs, asked, answer) => {
    expect(judge(runs, asked)?.mayRemove.answer).toBe(answer);
  });

  test('is needed while an earlier build gets work, or unversioned workers do', () => {
    const draining = deployment(build('b1', 1, 'draining'), build('b2', 2, 'current'));
    expect(judge([], { deprecatedIn: 'b2' }, draining)?.mayRemove).toMatchObject({
      answer: 'no',
      why: 'build b1, from before b2, still gets work and may record it',
    });
    const unversioned = deployment(build('b2', 2, 'inactive'));
    expect(judge([], { deprecatedIn: 'b2' }, unversioned)?.mayRemove.answer).toBe('no');
    const ramped = { ...deployment(build('b2', 2, 'current')), ramp: { buildId: null, percent: 5 } };
    expect(judge([], { deprecatedIn: 'b2' }, ramped)?.mayRemove.answer).toBe('no');
  });
});

test('patches are counted per workflow type', () => {
  const runs = [
    run({ recorded: ['x'] }),
    run({ recorded: ['y'], deprecated: ['x'] }),
    run({}),
    run({ workflowType: 'u', recorded: ['x'] }),
    run({ workflowType: 'v' }),
  ];
  expect(judgePatches(three, runs, {})).toMatchObject([
    { workflowType: 't', patchId: 'x', runs: 3, recorded: 1, deprecated: 1, without: 1 },
    { workflowType: 't', patchId: 'y', runs: 3, recorded: 1, deprecated: 0, without: 2 },
    { workflowType: 'u', patchId: 'x', runs: 1, recorded: 1, deprecated: 0, without: 0 },
  ]);
});
