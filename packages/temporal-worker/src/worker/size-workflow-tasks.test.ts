import { expect, test } from '@jest/globals';
import { sizeWorkflowTasks } from './size-workflow-tasks.ts';

const MIB = 2 ** 20;
const roomy = { memory: { limit: undefined, heapLimit: 4096 * MIB } };
const tight = { memory: { limit: 512 * MIB, heapLimit: 268 * MIB } };

test.each([
  ['the defaults', {}, roomy, { cachedWorkflows: 600, workflowTasks: 40, workflowTaskPollers: 10 }],
  ['a small container', {}, tight, { cachedWorkflows: 39, workflowTasks: 39, workflowTaskPollers: 10 }],
  [
    'several workers',
    {},
    { ...roomy, workers: 3 },
    { cachedWorkflows: 200, workflowTasks: 40, workflowTaskPollers: 10 },
  ],
  [
    'a small cache',
    { cachedWorkflows: 4 },
    roomy,
    { cachedWorkflows: 4, workflowTasks: 4, workflowTaskPollers: 4 },
  ],
  [
    'no cache',
    { cachedWorkflows: 0 },
    roomy,
    { cachedWorkflows: 0, workflowTasks: 40, workflowTaskPollers: 10 },
  ],
  [
    'more tasks than memory suggests',
    { workflowTasks: 60 },
    tight,
    { cachedWorkflows: 60, workflowTasks: 60, workflowTaskPollers: 10 },
  ],
  [
    'many pollers',
    { workflowTaskPollers: 50 },
    tight,
    { cachedWorkflows: 50, workflowTasks: 50, workflowTaskPollers: 50 },
  ],
])('of %s, no size exceeds the one above it', (_, sizes, where, expected) => {
  expect(sizeWorkflowTasks(sizes, where)).toEqual(expected);
});
