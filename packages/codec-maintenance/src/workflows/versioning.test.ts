import { expect, test } from '@jest/globals';
import * as workflows from './index.ts';

// docs/design/0024: a new workflow type is decided there, and declared in its code.
test('each workflow declares how it moves between builds', () => {
  const declared = Object.entries(workflows).map(([type, workflow]) => [
    type,
    'workflowDefinitionOptions' in workflow ? workflow.workflowDefinitionOptions : null,
  ]);
  expect(Object.fromEntries(declared)).toEqual({
    rotateKeys: { versioningBehavior: 'AUTO_UPGRADE' },
    collectStoredPayloads: { versioningBehavior: 'AUTO_UPGRADE' },
  });
});
