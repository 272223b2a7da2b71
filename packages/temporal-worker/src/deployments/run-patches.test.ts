import { expect, test } from '@jest/globals';
import { collectPatches } from './run-patches.ts';

const payloads = (data: string | Uint8Array) => ({
  payloads: [{ data: typeof data === 'string' ? Buffer.from(data) : data }],
});
const marker = (details: object, markerName = 'core_patch') => ({
  markerRecordedEventAttributes: { markerName, details: details as never },
});
const patch = (id: string, deprecated = false) =>
  marker({ 'patch-data': payloads(JSON.stringify({ id, deprecated })) });

test('patches and builds are read from the events of a run', () => {
  const collected = collectPatches();
  for (const event of [
    { workflowTaskCompletedEventAttributes: { deploymentVersion: null } },
    patch('new'),
    patch('old', true),
    patch('both', true),
    patch('both'),
    marker({ patch_id: payloads('bytes'), deprecated: payloads(new Uint8Array([0])) }),
    marker({ patch_id: payloads('old-bytes'), deprecated: payloads(new Uint8Array([1])) }),
    marker({ data: payloads('{}') }, 'core_local_activity'),
    { workflowTaskCompletedEventAttributes: { deploymentVersion: { deploymentName: 'd', buildId: 'b' } } },
  ])
    collected.add(event);
  expect(collected.result()).toEqual({
    recorded: ['both', 'bytes', 'new'],
    deprecated: ['old', 'old-bytes'],
    builds: ['d:b', 'unversioned'],
  });
});

test.each([[{}], [{ 'patch-data': payloads('not json') }], [{ 'patch-data': payloads('{"id":1}') }]])(
  'a marker that cannot be read counts as recorded: %j',
  (details) => {
    const collected = collectPatches();
    collected.add(marker(details));
    expect(collected.result().recorded).toEqual(['(unreadable)']);
  },
);
