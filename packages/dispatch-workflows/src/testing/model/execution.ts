import type { Process } from './process.ts';
import type { Step } from '../../stream/run-alert-stream.ts';
import type { ActivityOptions } from './remote-activity.ts';

/** Something that a workflow is told. */
export type Job =
  | { readonly kind: 'start' }
  | { readonly kind: 'signal'; readonly name: string; readonly payload: unknown }
  | {
      readonly kind: 'resolve';
      readonly seq: number;
      /** The result of a local activity, which the server does not know before the task is committed. */
      readonly isLocal: boolean;
      readonly value?: unknown;
      readonly error?: unknown;
    };

/** What a workflow is told at one moment of its clock. */
export interface Activation {
  readonly now: number;
  readonly jobs: readonly Job[];
}

/** What a workflow asks for. */
export type Command =
  | { readonly kind: 'local'; readonly seq: number; readonly name: string; readonly args: readonly unknown[] }
  | {
      readonly kind: 'remote';
      readonly seq: number;
      readonly name: string;
      readonly args: readonly unknown[];
      readonly options: ActivityOptions;
    }
  | { readonly kind: 'timer'; readonly seq: number; readonly ms: number }
  | { readonly kind: 'cancel-timer' | 'cancel-remote'; readonly seq: number };

/** What workflow code may use of the world. */
export interface WorkflowContext {
  /** The clock of the workflow, in milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** A timer that can be left early. */
  startTimer(ms: number): Step<void>;
  /** Waits until something is true, for at most `ms` milliseconds. */
  condition(isTrue: () => boolean, ms: number): Promise<void>;
  local<T>(name: string, ...args: readonly unknown[]): Promise<T>;
  remote<T>(options: ActivityOptions, name: string, ...args: readonly unknown[]): Promise<T>;
  /** An activity that can be left early: it is asked to come back, and its result is waited for. */
  startRemote<T>(options: ActivityOptions, name: string, ...args: readonly unknown[]): Step<T>;
  onSignal(handler: (name: string, payload: unknown) => void): void;
  continueAsNew(input: unknown): Promise<never>;
}

/** What rejects a step that was left. */
export class Cancellation extends Error {
  override readonly name = 'Cancellation';
}

function stepOf<T>(result: Promise<T>, leave: () => void): Step<T> {
  let isLeft = false;
  return {
    result,
    leave: () => {
      isLeft = true;
      leave();
    },
    wasLeft: () => isLeft,
  };
}

/** The code of a workflow. */
export type WorkflowType = (context: WorkflowContext, input: never) => Promise<unknown>;

/** How an execution ended. */
export type ExecutionEnd =
  | { readonly kind: 'completed' }
  | { readonly kind: 'continued'; readonly input: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  readonly isLocal: boolean;
}

/** Workflow code that runs in the memory of one process, driven by activations. */
export class Execution {
  readonly process: Process;
  end: ExecutionEnd | null = null;
  readonly #type: WorkflowType;
  readonly #input: unknown;
  #now = 0;
  #seq = 0;
  #commands: Command[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #conditions: { readonly isTrue: () => boolean; readonly pass: () => void }[] = [];
  #handler: ((name: string, payload: unknown) => void) | null = null;
  #early: Extract<Job, { kind: 'signal' }>[] = [];

  constructor(process: Process, type: WorkflowType, input: unknown) {
    this.process = process;
    this.#type = type;
    this.#input = input;
  }

  get localsRunning(): number {
    let count = 0;
    for (const { isLocal } of this.#waiting.values()) if (isLocal) count++;
    return count;
  }

  /** What was asked for since the last time. */
  takeCommands(): readonly Command[] {
    return this.#commands.splice(0);
  }

  /** Tells the workflow what happened; it goes on until it waits again. */
  apply({ now, jobs }: Activation): void {
    this.#now = now;
    this.#early = jobs.filter((job) => job.kind === 'signal');
    if (this.#handler !== null) this.#tellSignals(this.#handler);
    for (const job of jobs) {
      if (job.kind === 'start') this.#start();
      if (job.kind !== 'resolve') continue;
      const waiting = this.#waiting.get(job.seq);
      this.#waiting.delete(job.seq);
      if (job.error === undefined) waiting?.resolve(job.value as never);
      else waiting?.reject(job.error);
    }
    this.#checkConditions();
  }

  #start(): void {
    void this.#run();
  }

  async #run(): Promise<void> {
    try {
      await this.#type(this.#context(), this.#input as never);
      this.end = { kind: 'completed' };
    } catch (error) {
      this.end = { kind: 'failed', error };
    }
  }

  #tellSignals(handler: (name: string, payload: unknown) => void): void {
    for (const { name, payload } of this.#early.splice(0)) handler(name, payload);
  }

  #checkConditions(): void {
    const met = this.#conditions.filter(({ isTrue }) => isTrue());
    this.#conditions = this.#conditions.filter((each) => !met.includes(each));
    for (const { pass } of met) pass();
  }

  #await<T>(isLocal: boolean, make: (seq: number) => Command): Promise<T> {
    const seq = ++this.#seq;
    this.#commands.push(make(seq));
    return new Promise((resolve, reject) => {
      this.#waiting.set(seq, { resolve, reject, isLocal });
    });
  }

  #context(): WorkflowContext {
    return {
      now: () => this.#now,
      sleep: (ms) => this.#await(false, (seq) => ({ kind: 'timer', seq, ms })),
      condition: (isTrue, ms) => {
        if (isTrue()) return Promise.resolve();
        const seq = ++this.#seq;
        this.#commands.push({ kind: 'timer', seq, ms });
        return new Promise((resolve, reject) => {
          const pass = (): void => {
            if (!this.#waiting.delete(seq)) return;
            this.#commands.push({ kind: 'cancel-timer', seq });
            resolve();
          };
          const condition = { isTrue, pass };
          this.#conditions.push(condition);
          const timedOut = (): void => {
            this.#conditions = this.#conditions.filter((each) => each !== condition);
            resolve();
          };
          this.#waiting.set(seq, { resolve: timedOut, reject, isLocal: false });
        });
      },
      local: (name, ...args) => this.#await(true, (seq) => ({ kind: 'local', seq, name, args })),
      remote: (options, name, ...args) =>
        this.#await(false, (seq) => ({ kind: 'remote', seq, name, args, options })),
      startTimer: (ms) => {
        const result = this.#await<void>(false, (seq) => ({ kind: 'timer', seq, ms }));
        const seq = this.#seq;
        return stepOf(result, () => {
          const waiting = this.#waiting.get(seq);
          if (waiting === undefined) return;
          this.#waiting.delete(seq);
          this.#commands.push({ kind: 'cancel-timer', seq });
          waiting.reject(new Cancellation());
        });
      },
      startRemote: (options, name, ...args) => {
        const make = (seq: number): Command => ({ kind: 'remote', seq, name, args, options });
        const result = this.#await<never>(false, make);
        const seq = this.#seq;
        return stepOf(result, () => this.#commands.push({ kind: 'cancel-remote', seq }));
      },
      onSignal: (handler) => {
        this.#handler = handler;
        this.#tellSignals(handler);
      },
      continueAsNew: (input) => {
        this.end = { kind: 'continued', input };
        return new Promise<never>(() => undefined);
      },
    };
  }
}
