export type Environment = Readonly<Record<string, string | undefined>>;

/** How to run one server or app process. */
export interface ServerSpec {
  /** Unique in the stack; also the name of its log. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** The whole environment; default that of the supervisor. */
  readonly env?: Environment;
  readonly port?: number;
  /** Without password. */
  readonly url?: string;
  /** One line for the table. */
  readonly what?: string;
  /** Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** Between the stop signal and SIGKILL; default 10,000. */
  readonly stopGraceMs?: number;
  /** Default 60,000. */
  readonly readyWithinMs?: number;
  /** Polled until it returns true; a rejection counts as false. */
  readonly isReady: (signal: AbortSignal) => Promise<boolean>;
  /** Runs before each start and restart. */
  readonly beforeStart?: () => Promise<void>;
}

export type ProcessState = 'starting' | 'ready' | 'restarting' | 'stopping' | 'stopped';

export interface ProcessView {
  readonly name: string;
  /** Of the real server, not of its guard. */
  readonly pid: number | undefined;
  readonly guardPid: number | undefined;
  readonly port: number | undefined;
  /** Without password. */
  readonly url: string | undefined;
  readonly what: string | undefined;
  readonly restarts: number;
  readonly state: ProcessState;
}

export type StackEvent =
  | { readonly kind: 'exited'; readonly name: string; readonly reason: string }
  | {
      readonly kind: 'restarted';
      readonly name: string;
      readonly reason: string;
      readonly downMs: number;
      readonly port: number | undefined;
    }
  | {
      readonly kind: 'restart-failing';
      readonly name: string;
      readonly attempts: number;
      readonly message: string;
      readonly log: string;
    };
