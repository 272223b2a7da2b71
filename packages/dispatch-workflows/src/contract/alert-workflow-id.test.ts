import { expect, test } from '@jest/globals';
import { alertWorkflowId } from './alert-workflow-id.ts';

test('the workflow id of a stream is made of its three parts', () => {
  expect(alertWorkflowId({ fingerprint: '2823f61a', routeId: 'r1', connectedAppId: 'app1' })).toBe(
    'alert-2823f61a-r1-app1',
  );
});

test.each(['', 'a-b', 'A', 'x'.repeat(65), 'a b'])('a part %j is refused without being quoted', (part) => {
  const key = { fingerprint: 'f', routeId: 'r', connectedAppId: 'a' };
  for (const name of ['fingerprint', 'routeId', 'connectedAppId'])
    expect(() => alertWorkflowId({ ...key, [name]: part })).toThrow(
      new RangeError('a part of an alert workflow id is not [a-z0-9]{1,64}'),
    );
});
