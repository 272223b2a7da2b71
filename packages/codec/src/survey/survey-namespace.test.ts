import { expect, test } from '@jest/globals';
import { jsonPayload } from '../testing/payloads.ts';
import { surveyNamespace, type SurveyCheckpoint, type SurveyService } from './survey-namespace.ts';

/** A service with some runs and schedules, one on each page; `events` is what it was asked for. */
function serviceOf(runs: number, schedules: number, events: string[] = []): SurveyService {
  const page = (length: number, token: Uint8Array | null | undefined) => {
    const at = token === null || token === undefined ? 0 : Number(Buffer.from(token).toString());
    return { at, nextPageToken: at + 1 < length ? Buffer.from(String(at + 1)) : new Uint8Array() };
  };
  const service = {
    listWorkflowExecutions: async ({ nextPageToken: token }: { nextPageToken?: Uint8Array | null }) => {
      const { at, nextPageToken } = page(runs, token);
      events.push(`runs ${at}`);
      const execution = { workflowId: `w${at}`, runId: 'r' };
      return { executions: runs === 0 ? [] : [{ execution, closeTime: { seconds: 1 } }], nextPageToken };
    },
    getWorkflowExecutionHistory: async () => ({
      history: { events: [{ eventId: 1, input: { payloads: [jsonPayload(1)] } }] },
    }),
    describeWorkflowExecution: async () => ({}),
    listSchedules: async ({ nextPageToken: token }: { nextPageToken?: Uint8Array | null }) => {
      const { at, nextPageToken } = page(schedules, token);
      events.push(`schedules ${at}`);
      return { schedules: schedules === 0 ? [] : [{ scheduleId: `s${at}` }], nextPageToken };
    },
    describeSchedule: async () => ({ memo: { fields: { note: jsonPayload(1) } } }),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the calls that a survey makes
  return service as unknown as SurveyService;
}

test.each([
  [0, 0],
  [3, 2],
  [1, 0],
  [0, 1],
])(
  'a survey of %d runs and %d schedules goes on from each of its checkpoints to the same end',
  async (runs, schedules) => {
    const checkpoints: SurveyCheckpoint[] = [];
    const whole = await surveyNamespace({
      service: serviceOf(runs, schedules),
      namespace: 'n',
      onProgress: (_, checkpoint) => checkpoints.push(JSON.parse(JSON.stringify(checkpoint))),
    });
    expect(whole).toMatchObject({
      retained: { total: runs, plain: runs },
      schedules: { total: schedules, plain: schedules },
    });
    // After the last page of schedules there is nothing to go on with.
    for (const [index, checkpoint] of checkpoints.slice(0, -1).entries()) {
      const events: string[] = [];
      const rest = await surveyNamespace({
        service: serviceOf(runs, schedules, events),
        namespace: 'n',
        checkpoint,
      });
      expect(rest).toEqual(whole);
      expect(events).toHaveLength(checkpoints.length - index - 1);
    }
  },
);

test('a failure ends the other lanes as well', async () => {
  const service = serviceOf(1, 0);
  let asked = 0;
  const failing = {
    ...service,
    listWorkflowExecutions: async () => ({
      executions: Array.from({ length: 50 }, (_, index) => ({
        execution: { workflowId: `w${index}`, runId: 'r' },
      })),
      nextPageToken: new Uint8Array(),
    }),
    getWorkflowExecutionHistory: async () => {
      asked++;
      throw new Error('away');
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the calls that a survey makes
  const survey = surveyNamespace({
    service: failing as unknown as SurveyService,
    namespace: 'n',
    concurrency: 4,
  });
  await expect(survey).rejects.toThrow('away');
  expect(asked).toBe(4);
});
