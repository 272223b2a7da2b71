import { open as openInspector, url as inspectorUrl, waitForDebugger } from 'node:inspector';
import { Worker } from '@temporalio/worker';
import type { SourcedHistory } from './history-source.ts';
import { type ReplayOptions, replayWorkerOptions } from './replayer.ts';

/** Where a debugger may attach. */
export interface DebuggerAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

const BEFORE = '//# sourceMappingURL=data:';

/**
 * Replays one history under a debugger: waits until one has attached, and pauses where the SDK calls the workflow. By
 * then the debugger knows its source, and takes breakpoints there; no timer of the SDK ends the replay meanwhile.
 *
 * @param onReady receives the address to attach to, before the wait
 * @throws DeterminismViolationError or ReplayError of the SDK, where the code does not fit the history
 */
export async function stepThrough(
  { history, workflowId }: SourcedHistory,
  options: ReplayOptions,
  { host, port }: DebuggerAddress,
  onReady: (url: string) => void,
): Promise<void> {
  openInspector(port, host);
  onReady(inspectorUrl() ?? '');
  waitForDebugger();
  const paused = { ...options, workflowBundle: { code: pauseAtWorkflows(options.workflowBundle.code) } };
  await Worker.runReplayHistory(
    replayWorkerOptions(paused, () => undefined),
    history,
    workflowId,
  );
}

/**
 * Puts a `debugger` statement before each call of a workflow function of a bundle. It comes after all other code, so the
 * source map stays true.
 */
export function pauseAtWorkflows(code: string): string {
  const at = code.lastIndexOf(BEFORE);
  const end = at === -1 ? code.length : at;
  return `${code.slice(0, end)}${PAUSE}\n${code.slice(end)}`;
}

const PAUSE = `;{
  const load = __TEMPORAL__.importWorkflows;
  const paused = (workflow) => new Proxy(workflow, {
    apply(target, _, args) {
      debugger; // Set breakpoints in the source of the workflow, then resume.
      return target(...args);
    },
  });
  __TEMPORAL__.importWorkflows = () => new Proxy(load(), {
    get: (module, name) => (typeof module[name] === 'function' ? paused(module[name]) : module[name]),
  });
}`;
