import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { ApplicationFailure, heartbeat, sleep } from '@temporalio/activity';
import { Client, type ClientOptions, type ScheduleOptions } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { createCodec } from '../codecs/create-codec.ts';
import { createKey } from '../keys/codec-key.ts';
import { createKeyRing } from '../keys/key-ring.ts';
import { createCodecPlugin } from '../plugin/codec-plugin.ts';
import type { SurveyActivities } from '../testing/survey-workflows.ts';
import { findPayloads } from './find-payloads.ts';
import { countPlain, countUses, type NamespaceSurvey } from './namespace-survey.ts';
import { surveyNamespace } from './survey-namespace.ts';

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }), forward: {} } },
});

const workflowsPath = fileURLToPath(new URL('../testing/survey-workflows.ts', import.meta.url));
const activities: SurveyActivities = {
  repeat: async (text) => `${text} repeated`,
  fail: async (text) => {
    throw ApplicationFailure.create({ message: text, details: [text] });
  },
  wait: async (text) => {
    heartbeat(text);
    await sleep('1 hour');
  },
};

let ground: FreshNamespace;
let bundle: { readonly code: string };
beforeAll(async () => {
  ground = await freshNamespace('survey');
  bundle = await bundleWorkflowCode({
    workflowsPath,
    logger: new DefaultLogger('ERROR'),
    plugins: [pluginOf('k1')],
  });
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

function pluginOf(active: string) {
  const [first, second] = ['k0', 'k1'].map((id, index) => createKey(id, Buffer.alloc(32, index + 1)));
  if (first === undefined || second === undefined) throw new RangeError('two keys');
  const keys = createKeyRing({
    test: active === 'k0' ? { active: first, others: [second] } : { active: second, others: [first] },
  });
  return createCodecPlugin(createCodec({ keys, namespace: ground.namespace, domain: 'test' }));
}

const survey = (options: Partial<Parameters<typeof surveyNamespace>[0]> = {}): Promise<NamespaceSurvey> =>
  surveyNamespace({
    service: ground.nativeConnection.workflowService,
    namespace: ground.namespace,
    ...options,
  });

/** Runs the workflow up to its second run, which waits in an activity that has sent a heartbeat. */
async function leaveEverywhere(name: string, plugins: NonNullable<ClientOptions['plugins']>): Promise<void> {
  const { nativeConnection: connection, namespace } = ground;
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: name,
    workflowBundle: bundle,
    activities,
    plugins,
    shutdownGraceTime: '10 milliseconds',
  });
  await worker.runUntil(async () => {
    const client = new Client({ connection, namespace, plugins });
    const handle = await client.workflow.start('visitEveryPlace', {
      workflowId: name,
      taskQueue: name,
      args: [name],
      memo: { first: name },
      staticSummary: name,
      staticDetails: name,
    });
    await handle.executeUpdate('text', { args: [name] });
    await handle.signal('go', name);
    const current = client.workflow.getHandle(name);
    await eventually(
      'the second run',
      async () => (await current.describe()).runId !== handle.firstExecutionRunId,
    );
    await current.signal('go', name);
    await eventually('a heartbeat', async () => {
      const { raw } = await current.describe();
      return (raw.pendingActivities?.[0]?.heartbeatDetails?.payloads?.length ?? 0) > 0;
    });
  });
}

test('counts runs by key and by what is plain, in every place, and schedules', async () => {
  await leaveEverywhere('with-k0', [pluginOf('k0')]);
  await leaveEverywhere('with-k1', [pluginOf('k1')]);
  const before = await eventually('four runs in visibility', async () => {
    const counted = await survey();
    return counted.open.total === 2 && counted.retained.total === 2 && counted;
  });
  expect(before).toMatchObject({
    open: { total: 2, plain: 0, clearText: 0, unreadable: 0 },
    retained: { total: 2, plain: 0, clearText: 0, unreadable: 0 },
    keys: [
      { domain: 'test', keyId: 'k0', open: 1, retained: 1, schedules: 0 },
      { domain: 'test', keyId: 'k1', open: 1, retained: 1, schedules: 0 },
    ],
    examples: [],
    gone: 0,
  });
  expect(countPlain(before)).toBe(0);

  const { nativeConnection: connection, namespace } = ground;
  const encrypting = new Client({ connection, namespace, plugins: [pluginOf('k0')] });
  const schedule: Omit<ScheduleOptions, 'scheduleId'> = {
    spec: {},
    state: { paused: true },
    action: {
      type: 'startWorkflow',
      workflowType: 'visitEveryPlace',
      taskQueue: 'none',
      args: ['later'],
      memo: { first: 'later' },
    },
  };
  await encrypting.schedule.create({ ...schedule, scheduleId: 'sealed' });
  await new Client({ connection, namespace }).schedule.create({ ...schedule, scheduleId: 'open' });
  await leaveEverywhere('plain', []);
  const after = await eventually('six runs and two schedules in visibility', async () => {
    const counted = await survey({ concurrency: 1 });
    return (
      counted.open.total === 3 && counted.retained.total === 3 && counted.schedules.total === 2 && counted
    );
  });
  expect(after).toMatchObject({ open: { plain: 1 }, retained: { plain: 1 }, schedules: { plain: 1 } });
  expect(countPlain(after)).toBe(3);
  expect(countUses(after, { domain: 'test', keyId: 'k0' })).toBe(3);
  expect(new Set(after.examples.map(({ name }) => name.split(' ')[0]))).toEqual(
    new Set(['plain', 'schedule']),
  );
});

test('what runs hold in clear is found wherever it is, and nothing of it elsewhere', async () => {
  const { workflowService } = ground.nativeConnection;
  const read = async (workflowId: string) => {
    const { executions } = await workflowService.listWorkflowExecutions({
      namespace: ground.namespace,
      query: `WorkflowId = '${workflowId}'`,
    });
    const records = await Promise.all(
      (executions ?? []).map(async (info) => {
        const about = { namespace: ground.namespace, execution: info.execution ?? null };
        return [
          info,
          await workflowService.getWorkflowExecutionHistory(about),
          await workflowService.describeWorkflowExecution(about),
        ];
      }),
    );
    return [...findPayloads(records)];
  };
  const [plain, sealed] = await Promise.all([read('plain'), read('with-k1')]);
  const shape = (place: string) => place.replaceAll(/\[\d+\]/g, '[]');
  const shapes = [...new Set(plain.map(({ place }) => shape(place)))].toSorted();
  for (const part of [
    'memo.fields.first',
    'memo.fields.later',
    'StartedEventAttributes.input',
    'userMetadata.summary',
    'userMetadata.details',
    'markerRecordedEventAttributes.details.result',
    'ActivityTaskFailed',
    'applicationFailureInfo.details',
    'acceptedRequest.input.args',
    'outcome.success',
    'SignaledEventAttributes.input',
    'ContinuedAsNewEventAttributes.input',
    'pendingActivities[].heartbeatDetails',
    'upsertedMemo.fields.later',
  ])
    expect(shapes.join('\n').toLowerCase()).toContain(part.toLowerCase());
  // The sealed history has the same places; its failures have their text in one more.
  const inSealed = new Set(sealed.map(({ place }) => shape(place)));
  expect(shapes.filter((place) => !inSealed.has(place) && !place.endsWith('.failure'))).toEqual([]);
});

describe('a survey', () => {
  test('reports how far it is, and ends when it is told to', async () => {
    const totals: number[] = [];
    await survey({ onProgress: ({ open, retained }) => totals.push(open.total + retained.total) });
    expect(totals.at(-1)).toBe(6);
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(survey({ signal: aborted })).rejects.toThrow('enough');
  });

  test('of a namespace that does not exist is an error', async () => {
    await expect(survey({ namespace: 'nowhere' })).rejects.toMatchObject({ code: 5 });
  });

  test('refuses a concurrency that is none', async () => {
    await expect(survey({ concurrency: 0 })).rejects.toMatchObject({ code: 'CODEC_OPTIONS_INVALID' });
  });
});
