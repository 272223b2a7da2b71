import { expect, test } from '@jest/globals';
import { decideStep } from './decide-step.ts';
import type { ExecutionRow } from './store/execution-store.ts';

const started = (fence: bigint, isLeased: boolean, request: string | null = null): ExecutionRow => ({
  state: 'started',
  fence,
  isLeased,
  request,
});
const done: ExecutionRow = { state: 'done', fence: 1n, request: 'a', result: '1', resultProblem: null };

test.each([
  ['nothing is known', null, null, null, 'claim'],
  ['it is ours', started(7n, true), 7n, null, 'run'],
  ['it is ours, and the lease has ended', started(7n, false), 7n, null, 'run'],
  ['somebody runs it', started(6n, true), 7n, null, 'wait'],
  ['somebody ran it before we had a fence', started(6n, true), null, null, 'wait'],
  ['its runner is dead', started(6n, false), 7n, null, 'resolveDoubt'],
  ['it is done', done, null, 'a', 'return'],
  ['it is done, and the caller says nothing of the request', done, null, null, 'return'],
  ['it is done for another request', done, null, 'b', 'mismatch'],
  ['another request is under way', started(6n, true, 'a'), 7n, 'b', 'mismatch'],
  ['another request is in doubt', started(6n, false, 'a'), 7n, 'b', 'mismatch'],
])('%s', (_, row, fence, request, kind) => {
  expect(decideStep(row, { fence, request }).kind).toBe(kind);
});
