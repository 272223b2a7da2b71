import { resolve } from 'node:path';
import { createTemporalClient } from '@heliograph/temporal-worker/client';
import type {
  DebuggerAddress,
  ReplayOptions,
  ReplayResult,
  SourcedHistory,
  UnreadableSource,
} from '@heliograph/temporal-worker/replay';
import type { Argv } from 'yargs';
import { SERVICE_OPTIONS, withTemporal } from '../connect-temporal.ts';
import { CliError } from '../errors.ts';
import {
  type HistoryCodecArguments,
  HISTORY_CODEC_OPTIONS,
  openHistoryCodec,
} from '../open-history-codec.ts';
import { countOutcomes, renderReplay } from '../render-replay.ts';
import { reportProgress } from '../report-progress.ts';
import type { Terminal } from '../terminal.ts';
import type { Command } from './command.ts';

type Histories = AsyncIterable<SourcedHistory | UnreadableSource>;

interface ReplayArguments extends HistoryCodecArguments {
  readonly json: boolean;
  readonly temporalAddress: string | undefined;
  readonly histories: string | undefined;
  readonly bundle: string | undefined;
  readonly workflows: string | undefined;
  readonly condition: string | undefined;
  readonly namespace: string;
  readonly query: string | undefined;
  readonly workflowId: string | undefined;
  readonly runId: string | undefined;
  readonly limit: number | undefined;
  readonly timeout: number;
  readonly inspectBrk: string | undefined;
}

/** `heliograph replay`. */
export const replayCommand: Command = {
  register: (parser, terminal) =>
    parser.command(
      'replay [histories]',
      'Replay histories against workflow code: which would the code break, where and why',
      options,
      (given) => replay(given, terminal),
    ),
};

const text = { type: 'string', requiresArg: true } as const;

function options(parser: Argv) {
  return parser
    .positional('histories', {
      type: 'string',
      describe: 'A file or a directory of histories; without one, they are read from the namespace',
    })
    .options({
      json: SERVICE_OPTIONS.json,
      bundle: { ...text, normalize: true, describe: 'The built bundle of the workflows' },
      workflows: { ...text, normalize: true, describe: 'Their module, instead of a bundle' },
      condition: { ...text, describe: 'Export condition under which that module finds sources' },
      'temporal-address': SERVICE_OPTIONS['temporal-address'],
      namespace: { ...text, default: 'default', describe: 'The namespace of the histories' },
      query: { ...text, describe: 'Which runs of it; default: the open ones' },
      'workflow-id': { ...text, describe: 'Only this workflow' },
      'run-id': { ...text, describe: 'Only this run of it; default: the newest' },
      limit: { type: 'number', requiresArg: true, describe: 'At most so many runs; default: all' },
      ...HISTORY_CODEC_OPTIONS,
      timeout: {
        type: 'number',
        default: 60,
        requiresArg: true,
        describe: 'How long one replay may take, in seconds',
      },
      'inspect-brk': {
        type: 'string',
        describe: 'Step through one history: wait for a debugger at [host:]port, default 127.0.0.1:9229',
      },
    })
    .example('$0 replay src/__histories__ --bundle bundle/workflows.js', 'recorded histories, in CI')
    .example('$0 replay --bundle bundle/workflows.js --keys keys.json', 'every open run of a namespace');
}

async function replay(given: ReplayArguments, terminal: Terminal): Promise<void> {
  assertUsage(given);
  const codec = openHistoryCodec(given, given.namespace, terminal);
  const library = await import('@heliograph/temporal-worker/replay');
  const replayOptions: ReplayOptions = {
    workflowBundle: await openBundle(given),
    timeoutMs: given.timeout * 1000,
    ...(codec === null ? {} : { dataConverter: { payloadCodecs: [codec] } }),
  };
  await silenceSdk();
  const run = async (histories: Histories): Promise<void> => {
    try {
      await (given.inspectBrk === undefined
        ? report(await collect(library.replayHistories(histories, replayOptions), terminal), given, terminal)
        : step(histories, replayOptions, parseDebuggerAddress(given.inspectBrk), terminal));
    } catch (error) {
      if (error instanceof library.ReplayInputError)
        throw new CliError('CLI_USAGE', error.message, { cause: error });
      throw error;
    }
  };
  if (given.histories !== undefined) return run(library.readHistoryFiles([given.histories]));
  const { namespace, workflowId, runId, query, limit } = given;
  return withTemporal(given, terminal, (connection) => {
    const client = createTemporalClient({ connection, namespace });
    return run(
      workflowId === undefined
        ? library.fetchHistories(client, { query, limit })
        : one(library.fetchHistory(client, workflowId, runId), workflowId),
    );
  });
}

function assertUsage({ bundle, workflows, limit, timeout, ...given }: ReplayArguments): void {
  const refuse = (message: string): never => {
    throw new CliError('CLI_USAGE', message);
  };
  if ((bundle === undefined) === (workflows === undefined))
    refuse('expected the workflows to replay with: --bundle FILE or --workflows MODULE');
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 1))
    refuse('--limit: expected a whole number from 1');
  if (!(timeout > 0 && timeout <= 3600)) refuse('--timeout: expected seconds, more than 0 and at most 3600');
  const { histories, query, workflowId, runId, inspectBrk } = given;
  if (histories !== undefined && [query, workflowId, runId, limit].some((each) => each !== undefined))
    refuse('--query, --workflow-id, --run-id and --limit choose runs of a namespace, not of files');
  if (workflowId !== undefined && query !== undefined)
    refuse('--workflow-id and --query are two ways to choose runs; use one of them');
  if (runId !== undefined && workflowId === undefined) refuse('--run-id needs --workflow-id');
  if (inspectBrk !== undefined) parseDebuggerAddress(inspectBrk);
}

async function openBundle({ bundle, workflows, condition }: ReplayArguments): Promise<{ code: string }> {
  const { bundleWorkflows, readWorkflowBundle } = await import('@heliograph/temporal-worker');
  const { FAILURE_CONVERTER_PATH } = await import('@heliograph/codec/codecs');
  try {
    if (bundle !== undefined) return await readWorkflowBundle(resolve(bundle));
    return await bundleWorkflows({
      workflows: resolve(workflows ?? ''),
      failureConverter: FAILURE_CONVERTER_PATH,
      ...(condition === undefined ? {} : { sourceCondition: condition }),
    });
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : 'unknown error';
    throw new CliError('CLI_USAGE', bundle === undefined ? `--workflows: ${why}` : why, { cause: error });
  }
}

/** The SDK logs each replay that fails, and the report says it better. */
async function silenceSdk(): Promise<void> {
  const { installTemporalRuntime } = await import('@heliograph/temporal-worker');
  const ignore = (): void => undefined;
  try {
    installTemporalRuntime({
      logger: { log: ignore, trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore },
    });
  } catch {
    // Somebody has installed one: there can be only one in a process.
  }
}

async function* one(
  fetching: Promise<SourcedHistory | UnreadableSource | null>,
  workflowId: string,
): AsyncGenerator<SourcedHistory | UnreadableSource> {
  const found = await fetching;
  if (found === null)
    throw new CliError('CLI_USAGE', `--workflow-id: the namespace has no such run of ${workflowId}`);
  yield found;
}

async function collect(
  replays: AsyncIterable<ReplayResult>,
  terminal: Terminal,
): Promise<readonly ReplayResult[]> {
  const results: ReplayResult[] = [];
  const progress = reportProgress(terminal);
  try {
    for await (const result of replays) {
      results.push(result);
      progress.show(`${results.length} histories replayed`);
    }
  } finally {
    progress.end();
  }
  return results;
}

/** @throws {CliError} CLI_REPLAY_BROKEN, or CLI_USAGE where nothing was replayed */
function report(
  results: readonly ReplayResult[],
  { json }: Pick<ReplayArguments, 'json'>,
  terminal: Terminal,
): void {
  const counts = countOutcomes(results);
  terminal.out(
    json ? `${JSON.stringify({ counts, histories: results })}\n` : renderReplay(results, terminal),
  );
  if (results.length === 0)
    throw new CliError('CLI_USAGE', 'there are no histories to replay: no run of the namespace matches');
  if (counts.breaks + counts.fails > 0)
    throw new CliError(
      'CLI_REPLAY_BROKEN',
      `${counts.breaks + counts.fails} of ${results.length} histories do not fit this code; keep the old path behind patched(), or deploy it as a new version that leaves these runs to the old one`,
    );
  if (counts.unreadable > 0)
    throw new CliError(
      'CLI_FILE_FAILED',
      `${counts.unreadable} of ${results.length} histories cannot be read, so nothing is known of them`,
    );
}

async function step(
  histories: Histories,
  replayOptions: ReplayOptions,
  address: DebuggerAddress,
  terminal: Terminal,
): Promise<void> {
  const found: (SourcedHistory | UnreadableSource)[] = [];
  for await (const history of histories) {
    found.push(history);
    if (found.length > 1) break;
  }
  const [history] = found;
  if (history === undefined || found.length > 1)
    throw new CliError('CLI_USAGE', '--inspect-brk: expected exactly one history to step through');
  if ('why' in history) throw new CliError('CLI_FILE_FAILED', `${history.source}: ${history.why}`);
  const { replayHistory, stepThrough } = await import('@heliograph/temporal-worker/replay');
  await stepThrough(history, replayOptions, address, (url) =>
    terminal.err(
      `Attach a debugger to ${url} (chrome://inspect, or your editor). It pauses where the workflow is called: set breakpoints in its source, then resume.\n`,
    ),
  ).catch(() => undefined);
  const outcome = await replayHistory(history, replayOptions);
  const { source, workflowType } = history;
  report(
    [{ source, workflowType, events: history.history.events?.length ?? 0, outcome }],
    { json: false },
    terminal,
  );
}

function parseDebuggerAddress(given: string): DebuggerAddress {
  const [, host = '127.0.0.1', port = '9229'] = /^(?:(.+):)?(\d{1,5})?$/.exec(given) ?? [null, ''];
  if (host === '' || Number(port) > 65_535)
    throw new CliError('CLI_USAGE', '--inspect-brk: expected a port, or host:port');
  return { host, port: Number(port) };
}
