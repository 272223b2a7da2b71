import type { Random } from '@heliograph/simulators';
import { Execution, type Activation, type Command, type Job, type WorkflowType } from './execution.ts';
import type { Process } from './process.ts';
import { type ActivityOptions, type RemoteActivity, runRemoteActivity } from './remote-activity.ts';
import type { Timer, VirtualTime } from './virtual-time.ts';

/** What an activity is told by whoever runs it. */
export interface ActivityCall {
  readonly signal: AbortSignal;
  /** The workflow asks it to come back; `signal` says that the server counts on it no longer. */
  readonly comeBack: AbortSignal;
  /** When it was scheduled, in milliseconds since the epoch. */
  readonly scheduledAt: number;
  /** What an earlier attempt told with its last heartbeat that arrived. */
  readonly heartbeatDetails: unknown;
  heartbeat(details: unknown): void;
}

/** The activities of one process, by name. */
export type Activities = Readonly<
  Record<string, (call: ActivityCall, ...args: readonly never[]) => Promise<unknown>>
>;

/** What may go wrong between the server and its workers; each is asked once per occasion. */
export interface TemporalFaults {
  /** The answer of a workflow task is lost: the server repeats it. */
  isTaskLost(): boolean;
  /** The result of an activity is lost. */
  isResultLost(): boolean;
  /** Heartbeats of an activity stop to arrive, although it goes on. */
  isHeartbeatLost(): boolean;
  /** A signal is refused. */
  isSignalRefused(workflowId: string): boolean;
  /** The answer to a signal is lost. */
  isSignalAnswerLost(): boolean;
}

interface Task {
  readonly process: Process;
  readonly execution: Execution;
  uncommitted: Activation[];
  commands: Command[];
  timer: Timer;
  startedAt: number;
  isLost: boolean;
}

interface Run {
  readonly workflowId: string;
  readonly runId: string;
  readonly type: WorkflowType;
  readonly input: unknown;
  buffer: Job[];
  readonly history: Activation[];
  task: Task | 'scheduled' | null;
  execution: Execution | null;
  readonly timers: Map<number, Timer>;
  readonly activities: Map<number, RemoteActivity>;
  isClosed: boolean;
}

const NOBODY_ASKS = new AbortController().signal;
const TASK_TIMEOUT_MS = 10_000;
/** After that the worker reports on a task whose local activities still run. */
const TASK_HEARTBEAT_MS = 5000;
const LOCAL_TIMEOUT_MS = 3000;
const WITHOUT_WORKER_MS = 500;

/**
 * As much of Temporal as dispatching can notice: one run per workflow id, signal-with-start, workflow tasks that are
 * repeated from the history when their worker is lost, so that what local activities did since the last commit is done
 * again; completions that fail because a signal came in between; activities with retries and time limits.
 */
export class TinyTemporal {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #faults: TemporalFaults;
  readonly #processes: () => readonly { readonly process: Process; readonly activities: Activities }[];
  readonly #runs = new Map<string, Run>();
  readonly #trace: (line: string) => void;
  #lastRun = 0;
  /** What workflow code threw: a bug. */
  readonly errors: unknown[] = [];

  constructor(options: {
    readonly time: VirtualTime;
    readonly random: Random;
    readonly faults: TemporalFaults;
    readonly processes: () => readonly { readonly process: Process; readonly activities: Activities }[];
    readonly trace: (line: string) => void;
  }) {
    this.#time = options.time;
    this.#random = options.random;
    this.#faults = options.faults;
    this.#processes = options.processes;
    this.#trace = options.trace;
  }

  /** Workflow ids that run now. */
  running(): readonly string[] {
    return [...this.#runs.values()].filter(({ isClosed }) => !isClosed).map(({ workflowId }) => workflowId);
  }

  /** Starts a workflow unless it runs; returns its run id. */
  start(workflowId: string, type: WorkflowType, input: unknown): string {
    const known = this.#runs.get(workflowId);
    if (known !== undefined && !known.isClosed) return known.runId;
    const run: Run = {
      workflowId,
      runId: `run-${++this.#lastRun}`,
      type,
      input,
      buffer: [],
      history: [],
      task: null,
      execution: null,
      timers: new Map(),
      activities: new Map(),
      isClosed: false,
    };
    this.#runs.set(workflowId, run);
    run.buffer.push({ kind: 'start' });
    this.#schedule(run);
    return run.runId;
  }

  /** Signals a workflow that runs; false if it does not run. */
  signal(workflowId: string, name: string, payload: unknown): boolean {
    const run = this.#runs.get(workflowId);
    if (run === undefined || run.isClosed) return false;
    run.buffer.push({ kind: 'signal', name, payload });
    this.#schedule(run);
    return true;
  }

  #schedule(run: Run): void {
    if (run.isClosed || run.task !== null || run.buffer.length === 0) return;
    run.task = 'scheduled';
    this.#time.after(0.5 + 2 * this.#random(), () => this.#begin(run));
  }

  #begin(run: Run): void {
    const alive = this.#processes().filter(({ process }) => process.isAlive);
    const sticky = alive.find(({ process }) => process === run.execution?.process);
    const chosen = sticky ?? alive[Math.floor(this.#random() * alive.length)];
    if (chosen === undefined) {
      this.#time.after(WITHOUT_WORKER_MS, () => this.#begin(run));
      return;
    }
    const { process } = chosen;
    const isCached = run.execution !== null && run.execution.process === process;
    const execution =
      isCached && run.execution !== null ? run.execution : new Execution(process, run.type, run.input);
    run.execution = execution;
    const task: Task = {
      process,
      execution,
      uncommitted: [],
      commands: [],
      timer: this.#time.after(TASK_TIMEOUT_MS, () => this.#onTaskTimeout(run, task)),
      startedAt: this.#time.now,
      isLost: false,
    };
    run.task = task;
    if (isCached) this.#apply(run, task, { now: this.#time.now, jobs: run.buffer.splice(0) });
    else this.#replay(run, task, 0);
  }

  #isCurrent(run: Run, task: Task): boolean {
    return run.task === task && task.process.isAlive && !task.isLost;
  }

  #replay(run: Run, task: Task, at: number): void {
    if (!this.#isCurrent(run, task)) return;
    const activation = run.history[at];
    if (activation === undefined) {
      this.#apply(run, task, { now: this.#time.now, jobs: run.buffer.splice(0) });
      return;
    }
    task.execution.apply(activation);
    this.#time.whenQuiet(() => {
      // They were carried out when they were recorded.
      task.execution.takeCommands();
      this.#replay(run, task, at + 1);
    });
  }

  #apply(run: Run, task: Task, activation: Activation): void {
    task.uncommitted.push(activation);
    task.execution.apply(activation);
    this.#time.whenQuiet(() => this.#afterActivation(run, task));
  }

  #afterActivation(run: Run, task: Task): void {
    if (!this.#isCurrent(run, task)) return;
    for (const command of task.execution.takeCommands()) {
      if (command.kind === 'local') this.#runLocal(run, task, command);
      else task.commands.push(command);
    }
    if (task.execution.localsRunning === 0) this.#complete(run, task);
  }

  #runLocal(run: Run, task: Task, command: Extract<Command, { kind: 'local' }>): void {
    const worker = this.#processes().find(({ process }) => process === task.process);
    const activity = worker?.activities[command.name];
    if (activity === undefined) return;
    const stop = new AbortController();
    let isOver = false;
    const finish = (outcome: { readonly value?: unknown; readonly error?: unknown }): void => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      // In a step of its own: one activation after another.
      this.#time.after(0, () => {
        if (!this.#isCurrent(run, task)) return;
        if (this.#time.now - task.startedAt > TASK_HEARTBEAT_MS) this.#commitPart(run, task);
        this.#apply(run, task, {
          now: this.#time.now,
          jobs: [{ kind: 'resolve', seq: command.seq, isLocal: true, ...outcome }],
        });
      });
    };
    const timer = this.#time.after(LOCAL_TIMEOUT_MS, () => {
      finish({ error: new Error(`local activity ${command.name} timed out`) });
      stop.abort(new Error('timed out'));
    });
    const call: ActivityCall = {
      signal: stop.signal,
      comeBack: NOBODY_ASKS,
      scheduledAt: this.#time.now,
      heartbeatDetails: undefined,
      heartbeat: () => undefined,
    };
    activity(call, ...(command.args as never[])).then(
      (value) => finish({ value }),
      (error: unknown) => finish({ error }),
    );
  }

  /** What a worker reports of a long task: it need not be done again. */
  #commitPart(run: Run, task: Task): void {
    run.history.push(...task.uncommitted.splice(0));
    this.#carryOut(run, task.commands.splice(0));
    task.startedAt = this.#time.now;
    task.timer.cancel();
    task.timer = this.#time.after(TASK_TIMEOUT_MS, () => this.#onTaskTimeout(run, task));
    const jobs = run.buffer.splice(0);
    if (jobs.length === 0) return;
    const activation = { now: this.#time.now, jobs };
    task.uncommitted.push(activation);
    task.execution.apply(activation);
  }

  #onTaskTimeout(run: Run, task: Task): void {
    if (run.task !== task) return;
    if (this.#isCurrent(run, task)) this.#commitPart(run, task);
    else this.#fail(run, task, 'timed out');
  }

  #fail(run: Run, task: Task, why: string): void {
    this.#trace(`workflow task of ${run.workflowId} ${why} and is repeated`);
    task.timer.cancel();
    const jobs = task.uncommitted
      .flatMap((activation) => activation.jobs)
      .filter((job) => job.kind !== 'resolve' || !job.isLocal);
    run.buffer = [...jobs, ...run.buffer];
    run.execution = null;
    run.task = null;
    this.#schedule(run);
  }

  #complete(run: Run, task: Task): void {
    if (this.#faults.isTaskLost()) {
      task.isLost = true;
      return;
    }
    this.#time.after(0.5 + 2 * this.#random(), () => {
      if (run.task !== task) return;
      const { end } = task.execution;
      if (end?.kind === 'failed') {
        this.errors.push(end.error);
        run.isClosed = true;
        return;
      }
      if (end !== null && run.buffer.length > 0) {
        this.#fail(run, task, 'met a signal at its end');
        return;
      }
      task.timer.cancel();
      run.history.push(...task.uncommitted);
      run.task = null;
      this.#carryOut(run, task.commands);
      if (end !== null) this.#close(run, end);
      else this.#schedule(run);
    });
  }

  #close(run: Run, end: NonNullable<Execution['end']>): void {
    run.isClosed = true;
    run.execution = null;
    for (const timer of run.timers.values()) timer.cancel();
    for (const activity of run.activities.values()) activity.cancel();
    if (end.kind === 'continued') this.start(run.workflowId, run.type, end.input);
  }

  #carryOut(run: Run, commands: readonly Command[]): void {
    for (const command of commands) {
      const { seq } = command;
      const resolve = (outcome: { readonly value?: unknown; readonly error?: unknown }): void => {
        if (run.isClosed) return;
        run.buffer.push({ kind: 'resolve', seq, isLocal: false, ...outcome });
        this.#schedule(run);
      };
      if (command.kind === 'timer')
        run.timers.set(
          seq,
          this.#time.after(command.ms, () => resolve({})),
        );
      else if (command.kind === 'cancel-timer') run.timers.get(seq)?.cancel();
      else if (command.kind === 'cancel-remote') run.activities.get(seq)?.askBack();
      else if (command.kind === 'remote')
        run.activities.set(
          seq,
          runRemoteActivity({
            time: this.#time,
            random: this.#random,
            faults: this.#faults,
            processes: this.#processes,
            name: command.name,
            args: command.args,
            options: command.options satisfies ActivityOptions,
            onEnd: resolve,
          }),
        );
    }
  }
}
