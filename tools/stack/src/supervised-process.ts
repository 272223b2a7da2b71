import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { identify, type ProcessIdentity, signalProcess } from '@heliograph/bootstrap';
import { createBackoff } from './backoff.ts';
import { StackError, messageOf } from './errors.ts';
import { logSize, openLog, readLogSince } from './log-file.ts';
import type { ProcessState, ProcessView, ServerSpec, StackEvent } from './server-spec.ts';

export type Run = { guard: ChildProcess; exited: Promise<string>; logMark: number };

const GUARD = fileURLToPath(new URL('guard.ts', import.meta.url));

/**
 * One process under a guard, restarted on the same port whenever it dies.
 *
 * States: starting → ready ⇄ restarting; each of them → stopping → stopped. A process that fails before it was
 * ready for the first time is not restarted: `start` throws.
 */
export class SupervisedProcess {
  #spec: ServerSpec;
  #logPath;
  #onEvent;
  #onChange;
  #backoff = createBackoff();
  #stopRequested = new AbortController();
  #run: Run | undefined;
  #keeping: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #state: ProcessState = 'starting';
  #child: ProcessIdentity | undefined;
  #restarts = 0;
  #readyAtMs = 0;

  constructor(
    spec: ServerSpec,
    {
      logPath,
      onEvent,
      onChange,
    }: { logPath: string; onEvent: (event: StackEvent) => void; onChange: () => void },
  ) {
    this.#spec = spec;
    this.#logPath = logPath;
    this.#onEvent = onEvent;
    this.#onChange = onChange;
  }

  view(): ProcessView {
    const { name, port, url, what } = this.#spec;
    const { guard } = this.#run ?? {};
    return {
      name,
      pid: this.#child?.pid,
      guardPid: guard?.pid,
      port,
      url,
      what,
      restarts: this.#restarts,
      state: this.#state,
    };
  }

  /**
   * Starts the process and resolves once it is ready.
   * @throws {StackError} STACK_START_FAILED
   */
  async start(): Promise<void> {
    try {
      await this.#launch();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#keeping = this.#keep();
  }

  /** Stops the process, by its stop signal and after the grace time by SIGKILL. Idempotent; never throws. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      this.#stopRequested.abort();
      this.#change('stopping');
      await this.#end();
      await this.#keeping;
      this.#change('stopped');
    })();
    return this.#stopping;
  }

  /** Ends the process at once by SIGKILL, without waiting. */
  kill(): void {
    this.#stopRequested.abort();
    if (this.#child !== undefined) signalProcess(this.#child, 'SIGKILL');
    this.#run?.guard.kill('SIGKILL');
  }

  #change(state: ProcessState): void {
    this.#state = state;
    this.#onChange();
  }

  async #launch(): Promise<void> {
    await this.#spec.beforeStart?.();
    this.#stopRequested.signal.throwIfAborted();
    const run = this.#spawn();
    this.#run = run;
    this.#onChange();
    let exit = '';
    const settled = new AbortController();
    const exited = run.exited.then((reason) => {
      exit = reason;
      return settled.abort();
    });
    const ready = this.#untilReady(AbortSignal.any([settled.signal, this.#stopRequested.signal]));
    const isReady = await Promise.race([ready, exited.then(() => false)]);
    settled.abort();
    this.#stopRequested.signal.throwIfAborted();
    if (isReady && exit === '') {
      this.#readyAtMs = performance.now();
      this.#change('ready');
      return;
    }
    await this.#end();
    const problem = exit === '' ? 'did not become ready in time' : `ended (${exit}) before it was ready`;
    const lastLine = lastTelling(readLogSince(this.#logPath, run.logMark));
    throw new StackError(
      'STACK_START_FAILED',
      `${this.#spec.name} ${problem}${lastLine === '' ? '' : `: ${lastLine}`} (log: ${this.#logPath})`,
      { retryable: /address (already )?in use|EADDRINUSE/i.test(readLogSince(this.#logPath, run.logMark)) },
    );
  }

  #spawn(): Run {
    const { command, args, cwd, env, stopSignal = 'SIGTERM', stopGraceMs = 10_000 } = this.#spec;
    const log = openLog(this.#logPath);
    const logMark = logSize(this.#logPath);
    // Detached: a Ctrl-C in the terminal must reach the supervisor alone, which stops things in their order.
    const guard = spawn(process.execPath, [GUARD, stopSignal, String(stopGraceMs), '--', command, ...args], {
      stdio: ['pipe', log, log, 'pipe'],
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
    });
    closeSync(log);
    guard.stdin?.on('error', () => {});
    let reason = 'its guard was killed';
    this.#child = undefined;
    const reports = createInterface({ input: reportsOf(guard) });
    reports.on('line', (line) => {
      const message: { pid?: number; code?: number | null; signal?: string | null } = JSON.parse(line);
      if (message.pid !== undefined) {
        this.#child = identify(message.pid);
        this.#onChange();
      } else reason = message.signal ?? `exit code ${message.code ?? '?'}`;
    });
    const exited = new Promise((resolve: (reason: string) => void) => {
      guard.once('error', (error) => resolve(error.message));
      guard.once('close', () => {
        // A guard killed with -9 cannot stop its server any more.
        if (this.#child !== undefined) signalProcess(this.#child, 'SIGKILL');
        resolve(reason);
      });
    });
    return { guard, exited, logMark };
  }

  /** Polling starts once the guard has reported a process: before, another server on the port could answer. */
  async #untilReady(signal: AbortSignal): Promise<boolean> {
    const startedAtMs = performance.now();
    const { readyWithinMs = 60_000, isReady } = this.#spec;
    while (!signal.aborted) {
      const elapsedMs = performance.now() - startedAtMs;
      if (elapsedMs > readyWithinMs) return false;
      const attempt = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
      if (this.#child !== undefined && (await isReady(attempt).catch(() => false))) return true;
      await delay(elapsedMs < 2_000 ? 25 : 200, undefined, { signal }).catch(() => {});
    }
    return false;
  }

  /** Restarts the process whenever it ends, until a stop is requested. */
  async #keep(): Promise<void> {
    while (!this.#stopRequested.signal.aborted) {
      const reason = (await this.#run?.exited) ?? 'unknown';
      if (this.#stopRequested.signal.aborted) return;
      const diedAtMs = performance.now();
      this.#change('restarting');
      this.#onEvent({ kind: 'exited', name: this.#spec.name, reason });
      let healthyForMs = diedAtMs - this.#readyAtMs;
      for (let attempts = 1; ; attempts++) {
        const { signal } = this.#stopRequested;
        await delay(this.#backoff.nextDelayMs(healthyForMs), undefined, { signal }).catch(() => {});
        if (signal.aborted) return;
        healthyForMs = 0;
        try {
          await this.#launch();
          break;
        } catch (error) {
          if (signal.aborted) return;
          const { name } = this.#spec;
          this.#onEvent({
            kind: 'restart-failing',
            name,
            attempts,
            message: messageOf(error),
            log: this.#logPath,
          });
        }
      }
      this.#restarts++;
      this.#onChange();
      const { name, port } = this.#spec;
      this.#onEvent({
        kind: 'restarted',
        name,
        reason,
        downMs: Math.round(performance.now() - diedAtMs),
        port,
      });
    }
  }

  /** Ends the current run and waits for it. */
  async #end(): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    run.guard.stdin?.end();
    const deadlineMs = (this.#spec.stopGraceMs ?? 10_000) + 3_000;
    const abandoned = new AbortController();
    const late = delay(deadlineMs, 'late', { signal: abandoned.signal, ref: false }).catch(() => 'ended');
    if ((await Promise.race([run.exited, late])) === 'late') {
      run.guard.kill('SIGKILL');
      await run.exited;
    }
    abandoned.abort();
  }
}

/** Returns the pipe on which a guard reports. */
function reportsOf(guard: ChildProcess): Readable {
  const pipe = guard.stdio[3];
  return pipe instanceof Readable ? pipe : Readable.from([]);
}

/** Picks the last line of a log that a reader can use. */
function lastTelling(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const telling =
    lines.findLast((line) => /error|fatal|cannot|unable|in use|not found/i.test(line)) ?? lines.at(-1) ?? '';
  return telling.length > 300 ? `${telling.slice(0, 300)}…` : telling;
}
