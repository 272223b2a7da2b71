import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker, type ReplayWorkerOptions } from '@temporalio/worker';

/** A recorded history, named `<workflow type>.<scenario>.json`. */
export interface RecordedHistory {
  readonly file: string;
  readonly workflowType: string;
  readonly scenario: string;
  /** The parsed JSON; hand it to `replayHistory`. */
  readonly json: unknown;
}

/**
 * Writes the history of an execution, running or ended, as a fixture. A fixture that exists stays as it is: it stands
 * for executions that are running somewhere. Record a changed workflow under another scenario.
 */
export async function recordHistory(
  client: Client,
  execution: { readonly workflowId: string; readonly runId?: string },
  fixture: { readonly directory: URL | string; readonly workflowType: string; readonly scenario: string },
): Promise<string> {
  const directory = pathOf(fixture.directory);
  const history = await client.workflow.getHandle(execution.workflowId, execution.runId).fetchHistory();
  await mkdir(directory, { recursive: true });
  const file = join(directory, `${fixture.workflowType}.${fixture.scenario}.json`);
  try {
    await writeFile(file, `${historyToJSON(history)}\n`, { flag: 'wx' });
  } catch (error) {
    // By its shape: within a test runner's realm an error of Node itself is no `instanceof Error`.
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    if (code !== 'EEXIST') throw error;
  }
  return file;
}

/** Reads every recorded history of a directory, sorted by name. */
export async function readHistories(directory: URL | string): Promise<readonly RecordedHistory[]> {
  const path = pathOf(directory);
  const files = (await readdir(path)).filter((file) => file.endsWith('.json')).toSorted();
  return Promise.all(
    files.map(async (file) => {
      const [workflowType = '', ...scenario] = file.replace(/\.json$/, '').split('.');
      const json: unknown = JSON.parse(await readFile(join(path, file), 'utf8'));
      return { file, workflowType, scenario: scenario.join('.'), json };
    }),
  );
}

/** Replays one history against workflow code; throws what the SDK throws where the code does not fit. */
export async function replayHistory(options: ReplayWorkerOptions, history: RecordedHistory): Promise<void> {
  await Worker.runReplayHistory(options, historyFromJSON(history.json), `replay-${history.scenario}`);
}

function pathOf(directory: URL | string): string {
  return typeof directory === 'string' ? directory : fileURLToPath(directory);
}
