import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readHistoryFiles } from './history-source.ts';

const history = historyFromJSON({
  events: [
    {
      eventId: '1',
      eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED',
      workflowExecutionStartedEventAttributes: {
        workflowType: { name: 'order' },
        workflowId: 'order-7',
        originalExecutionRunId: 'run-1',
      },
    },
  ],
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heliograph-histories-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string, content: string | Uint8Array) => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};
async function read(...paths: readonly string[]) {
  const found = [];
  for await (const each of readHistoryFiles(paths)) found.push(each);
  return found;
}

test.each([
  ['as the SDK writes it', historyToJSON(history)],
  ['after a byte order mark', `\uFEFF${historyToJSON(history)}`],
  ['in its binary form', proto.temporal.api.history.v1.History.encode(history).finish()],
  [
    'with a field of a newer server',
    historyToJSON(history).replace('"workflowId"', '"newField":1,"workflowId"'),
  ],
  [
    'with the short names of older command lines',
    historyToJSON(history).replace('EVENT_TYPE_WORKFLOW_EXECUTION_STARTED', 'WorkflowExecutionStarted'),
  ],
])('a history %s is read', async (_, content) => {
  const file = at('order.json', content);
  expect(await read(file)).toMatchObject([
    { source: file, workflowType: 'order', workflowId: 'order-7', runId: 'run-1' },
  ]);
});

test.each([
  ['nothing', ''],
  ['no JSON', '{"events":'],
  ['other JSON', '[1]'],
  ['JSON of something else', '{"payloads":[{"data":"aGk="}]}'],
  ['bytes of something else', Uint8Array.of(0xff, 0xfe, 0x00, 0x12)],
  [
    'half a history',
    JSON.stringify({
      events: [{ eventId: '7', eventType: 'EVENT_TYPE_TIMER_STARTED', timerStartedEventAttributes: {} }],
    }),
  ],
])('%s is handed out as unreadable', async (_, content) => {
  const file = at('noise.json', content);
  expect(await read(file)).toEqual([
    { source: file, why: expect.stringMatching(/^the (?:file is neither|history does not)/) },
  ]);
});

test('a path that is not there, and a directory without histories, are refused', async () => {
  await expect(read(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'REPLAY_SOURCE_MISSING' });
  const empty = mkdtempSync(join(folder, 'empty-'));
  await expect(read(empty)).rejects.toMatchObject({ code: 'REPLAY_SOURCE_MISSING' });
});
