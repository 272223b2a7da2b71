import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Client, isGrpcServiceError } from '@temporalio/client';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import proto, { type temporal } from '@temporalio/proto';
import { ReplayInputError } from './replay-errors.ts';

/** The events of one run. */
export type History = temporal.api.history.v1.IHistory;

/** The history of one run, and where it comes from. */
export interface SourcedHistory {
  /** The file, or `workflow id/run id`. */
  readonly source: string;
  readonly workflowId: string;
  /** Empty if the source does not name it. */
  readonly runId: string;
  readonly workflowType: string;
  readonly history: History;
}

/** A source that holds no history: why, in one line. */
export interface UnreadableSource {
  readonly source: string;
  readonly why: string;
}

/** Which runs of a namespace to read. */
export interface RunSelection {
  /** A visibility query; default: the open runs, for they are what new code has to continue. */
  readonly query?: string | undefined;
  /** Read at most this many; default all. */
  readonly limit?: number | undefined;
}

/** The code of gRPC. */
const NOT_FOUND = 5;

/** The open runs of a namespace. */
export const OPEN_RUNS = `ExecutionStatus = 'Running'`;

/**
 * Reads histories from files and directories, in the order given; within a directory, files named `*.json` and `*.bin`, by
 * name. JSON is what `temporal workflow show --output json`, the Temporal UI and `historyToJSON` of the SDK write; anything
 * else is read as the binary form. A file that holds no history is handed out as such, and the rest is read all the same.
 *
 * @throws {ReplayInputError} REPLAY_SOURCE_MISSING for a path that is not there, or a directory without histories
 */
export async function* readHistoryFiles(
  paths: readonly string[],
): AsyncGenerator<SourcedHistory | UnreadableSource> {
  for (const path of paths) {
    for (const file of await filesOf(path)) yield readHistoryFile(file);
  }
}

/**
 * Reads histories from a namespace, as the Temporal Service stores them: their payloads are decoded only where they are
 * replayed. Runs that are deleted meanwhile are left out.
 */
export async function* fetchHistories(
  client: Client,
  { query = OPEN_RUNS, limit = Infinity }: RunSelection = {},
): AsyncGenerator<SourcedHistory | UnreadableSource> {
  let count = 0;
  if (limit <= 0) return;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    const found = await fetchHistory(client, workflowId, runId);
    if (found !== null) yield found;
    count += 1;
    if (count >= limit) return;
  }
}

/**
 * Reads the history of one run; without a run id, of the newest run with this workflow id.
 *
 * @returns null if the Temporal Service has no such run
 */
export async function fetchHistory(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<SourcedHistory | UnreadableSource | null> {
  try {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    return describeHistory(`${workflowId}/${runId ?? runIdOf(history)}`, history, workflowId);
  } catch (error) {
    if (isGrpcServiceError(error) && hasCode(error, NOT_FOUND) && !/namespace/i.test(error.details))
      return null;
    throw error;
  }
}

async function filesOf(path: string): Promise<readonly string[]> {
  let isDirectory: boolean;
  try {
    isDirectory = (await stat(path)).isDirectory();
  } catch (error) {
    throw new ReplayInputError('REPLAY_SOURCE_MISSING', `no file or directory ${path}`, error);
  }
  if (!isDirectory) return [path];
  const names = (await readdir(path)).filter((name) => /\.(?:json|bin)$/.test(name)).toSorted();
  if (names.length === 0)
    throw new ReplayInputError(
      'REPLAY_SOURCE_MISSING',
      `the directory ${path} has no histories (*.json, *.bin)`,
    );
  return names.map((name) => join(path, name));
}

async function readHistoryFile(file: string): Promise<SourcedHistory | UnreadableSource> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch {
    return { source: file, why: 'the file cannot be read' };
  }
  const history = parseHistory(bytes);
  if (history === null)
    return { source: file, why: 'the file is neither a history in JSON nor in binary form' };
  return describeHistory(file, history, basename(file).replace(/\.(?:json|bin)$/, ''));
}

/** Parses either form; null if it is none. A byte order mark, as PowerShell writes it, is skipped. */
function parseHistory(bytes: Uint8Array): History | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (text.trimStart().startsWith('{')) return historyFromJSON(JSON.parse(text));
  } catch {
    // Not text, or not this JSON.
  }
  try {
    const history = proto.temporal.api.history.v1.History.decode(bytes);
    return history.events.length > 0 ? history : null;
  } catch {
    return null;
  }
}

function describeHistory(
  source: string,
  history: History,
  workflowId: string,
): SourcedHistory | UnreadableSource {
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
  const workflowType = started?.workflowType?.name ?? '';
  if (workflowType === '')
    return { source, why: 'the history does not begin with the start of a workflow; export all of it' };
  return {
    source,
    // Workflow code can read its own id, so a replay needs the true one.
    workflowId: nonEmpty(started?.workflowId) ?? workflowId,
    runId: runIdOf(history),
    workflowType,
    history,
  };
}

function runIdOf(history: History): string {
  return history.events?.[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId ?? '';
}

const hasCode = ({ code }: { readonly code: number }, expected: number): boolean => code === expected;

const nonEmpty = (text: string | null | undefined): string | undefined =>
  text === null || text === '' ? undefined : text;
