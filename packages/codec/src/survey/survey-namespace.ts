import type { temporal } from '@temporalio/proto';
import { assertOption } from '../contract/assert-option.ts';
import { countFindings, emptySurvey, type NamespaceSurvey } from './namespace-survey.ts';
import { addFindings, type Findings, NO_FINDINGS } from './run-findings.ts';

/** What a survey asks the Temporal Service; `connection.workflowService` of a client or worker. */
export type SurveyService = Pick<
  temporal.api.workflowservice.v1.WorkflowService,
  | 'listWorkflowExecutions'
  | 'getWorkflowExecutionHistory'
  | 'describeWorkflowExecution'
  | 'listSchedules'
  | 'describeSchedule'
>;

/** Where a survey can go on: JSON, so that a heartbeat or a file can hold it. */
export interface SurveyCheckpoint {
  readonly phase: 'runs' | 'schedules';
  /** In base64; null at the beginning of the phase. */
  readonly pageToken: string | null;
  readonly survey: NamespaceSurvey;
}

/** Options of {@link surveyNamespace}. */
export interface SurveyOptions {
  readonly service: SurveyService;
  readonly namespace: string;
  /** Runs that are read at once; default 8. */
  readonly concurrency?: number;
  /** Receives the survey so far, after each page of runs or schedules, and where another one can go on. */
  readonly onProgress?: (survey: NamespaceSurvey, checkpoint: SurveyCheckpoint) => void;
  /** Goes on where a survey of the same namespace was ended. */
  readonly checkpoint?: SurveyCheckpoint;
  /** Ends the survey between two runs: it rejects with the reason. */
  readonly signal?: AbortSignal;
}

const RUNS_PER_PAGE = 200;
const EVENTS_PER_PAGE = 500;
const SCHEDULES_PER_PAGE = 100;
/** `NOT_FOUND` of gRPC. */
const NOT_FOUND = 5;

type Token = Uint8Array | null | undefined;

/**
 * Counts runs and schedules of a namespace by what their payloads are: plain, and which keys they name. It reads every
 * history that is retained, and of open runs also what waits outside of it (heartbeats, failures of attempts); it decrypts
 * nothing, and keeps one page of events per run in memory.
 *
 * Visibility lags behind, so runs of the last seconds may be missing, and what is archived is not read; neither are
 * standalone activities and Nexus operations, which have no history.
 *
 * @throws errors of gRPC as they are; the service's client has tried again before. CODEC_OPTIONS_INVALID.
 */
export async function surveyNamespace(options: SurveyOptions): Promise<NamespaceSurvey> {
  const { service, namespace, concurrency = 8, onProgress, signal } = options;
  assertOption(Number.isSafeInteger(concurrency) && concurrency > 0, 'concurrency', 'a whole number above 0');
  let { phase, pageToken, survey } = options.checkpoint ?? {
    phase: 'runs' as const,
    pageToken: null,
    survey: emptySurvey(namespace),
  };
  /** Tells whether the phase has another page. */
  const report = (next: Token): boolean => {
    pageToken =
      next === null || next === undefined || next.length === 0 ? null : Buffer.from(next).toString('base64');
    if (phase === 'runs' && pageToken === null) phase = 'schedules';
    onProgress?.(survey, { phase, pageToken, survey });
    return pageToken !== null;
  };
  const readToken = (): Uint8Array | null => (pageToken === null ? null : Buffer.from(pageToken, 'base64'));
  let hasRuns = phase === 'runs';
  while (hasRuns) {
    const page = await service.listWorkflowExecutions({
      namespace,
      pageSize: RUNS_PER_PAGE,
      nextPageToken: readToken(),
    });
    await inLanes(page.executions, concurrency, signal, async (run) => {
      const findings = await surveyRun(service, namespace, run);
      const { workflowId, runId } = run.execution ?? {};
      survey =
        findings === null
          ? { ...survey, gone: survey.gone + 1 }
          : countFindings(survey, isOpen(run) ? 'open' : 'retained', `${workflowId} ${runId}`, findings);
    });
    hasRuns = report(page.nextPageToken);
  }
  let hasSchedules = true;
  while (hasSchedules) {
    const page = await service.listSchedules({
      namespace,
      maximumPageSize: SCHEDULES_PER_PAGE,
      nextPageToken: readToken(),
    });
    await inLanes(page.schedules, concurrency, signal, async ({ scheduleId = null }) => {
      const described = await unlessGone(service.describeSchedule({ namespace, scheduleId }));
      survey =
        described === null
          ? { ...survey, gone: survey.gone + 1 }
          : countFindings(survey, 'schedules', `schedule ${scheduleId}`, addFindings(NO_FINDINGS, described));
    });
    hasSchedules = report(page.nextPageToken);
  }
  return survey;
}

type Run = temporal.api.workflow.v1.IWorkflowExecutionInfo;

async function surveyRun(service: SurveyService, namespace: string, run: Run): Promise<Findings | null> {
  const { execution } = run;
  let findings = addFindings(NO_FINDINGS, run, 'visibility');
  let nextPageToken: Token = null;
  do {
    const page: temporal.api.workflowservice.v1.IGetWorkflowExecutionHistoryResponse | null =
      await unlessGone(
        service.getWorkflowExecutionHistory({
          namespace,
          execution: execution ?? null,
          maximumPageSize: EVENTS_PER_PAGE,
          nextPageToken: nextPageToken ?? null,
          skipArchival: true,
        }),
      );
    if (page === null) return null;
    for (const event of page.history?.events ?? [])
      findings = addFindings(findings, event, `event ${String(event.eventId)}`);
    ({ nextPageToken } = page);
  } while (hasMore(nextPageToken));
  if (!isOpen(run)) return findings;
  const described = await unlessGone(
    service.describeWorkflowExecution({ namespace, execution: execution ?? null }),
  );
  return described === null ? findings : addFindings(findings, described, 'description');
}

function isOpen({ closeTime }: Run): boolean {
  return closeTime === null || closeTime === undefined;
}

function hasMore(token: Token): boolean {
  return token !== null && token !== undefined && token.length > 0;
}

async function inLanes<T>(
  items: readonly T[],
  lanes: number,
  signal: AbortSignal | undefined,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  let hasFailed = false;
  const lane = async (): Promise<void> => {
    for (const item of left) {
      signal?.throwIfAborted();
      // One lane has ended the survey already; the others must not go on behind its back.
      if (hasFailed) return;
      try {
        await run(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
}

async function unlessGone<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === NOT_FOUND)
      return null;
    throw error;
  }
}
