/** What the stack promises to other packages. The implementation is JavaScript, because it runs before any build. */

/** A failure whose message is one line that says what happened and how to mend it. */
export class StackError extends Error {
  constructor(code: StackErrorCode, message: string, options?: { cause?: unknown; retryable?: boolean });
  readonly code: StackErrorCode;
  readonly retryable: boolean;
}

export type StackErrorCode =
  | 'STACK_ALREADY_RUNNING'
  | 'STACK_APP_INVALID'
  | 'STACK_BINARY_MISSING'
  | 'STACK_BUILD_FAILED'
  | 'STACK_FOREIGN_DIRECTORY'
  | 'STACK_PART_UNKNOWN'
  | 'STACK_PORT_INVALID'
  | 'STACK_PORT_TAKEN'
  | 'STACK_START_FAILED'
  | 'STACK_TEMPORAL_MISSING';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `local` keeps everything on disk; `test` fires timers at once, lets workflows skip time and does without fsync. */
export type StackProfile = 'local' | 'test';

export interface StackOptions {
  /** For data, logs and secrets; made when missing. One stack at a time uses it. */
  readonly directory: string;
  /** Default `local`. */
  readonly profile?: StackProfile;
  /** By part; a port given here is used or refused. Default: the remembered one, else any that is free. */
  readonly ports?: Readonly<Record<string, number | undefined>>;
  /** Names of known parts (`postgres`, `clickhouse`, `temporal`), or parts of one's own; default these three. */
  readonly parts?: readonly (string | Part)[];
  readonly onEvent?: (event: StackEvent) => void;
  /** For the progress of long steps; default nothing is printed. */
  readonly print?: (line: string) => void;
  /** Gives up the start. */
  readonly signal?: AbortSignal;
}

export interface Stack {
  /** Absolute. */
  readonly directory: string;
  /** HELIOGRAPH_POSTGRES_URL, HELIOGRAPH_CLICKHOUSE_URL, HELIOGRAPH_TEMPORAL_ADDRESS, with passwords. */
  readonly env: Readonly<Record<string, string>>;
  processes(): readonly ProcessView[];
  /** Chooses a port once and remembers it; the same name gives the same port. */
  port(name: string, wish?: PortWish): Promise<number>;
  /** Gives 32 random bytes in base64url, made once per state. */
  readonly secret: (name: string) => string;
  /**
   * Starts more processes, together, under the stack's care, and resolves once all are ready. The stack stops them
   * before those that were there earlier; the returned `stop` stops them now and takes them out of `processes()`.
   */
  run(specs: readonly ServerSpec[]): Promise<RunningProcesses>;
  /** Ends everything in the reverse order of the start. Idempotent. */
  stop(): Promise<void>;
  /** Ends everything at once by SIGKILL; what the servers acknowledged survives. */
  kill(): void;
}

/** Processes that were started together. */
export interface RunningProcesses {
  /** Ends them by their stop signals, after the grace time by SIGKILL. Idempotent. */
  stop(): Promise<void>;
}

export interface PortWish {
  /** Used or refused. */
  readonly configured?: number | undefined;
  /** Used when it is free and none is remembered. */
  readonly preferred?: number | undefined;
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
  /** Asked again and again until it says true; a rejection means no. */
  readonly isReady: (signal: AbortSignal) => Promise<boolean>;
  /** Runs before each start and restart. */
  readonly beforeStart?: () => Promise<void>;
}

/**
 * A member of the stack. `start` prepares data and configuration; the stack then runs the processes it describes. It
 * is called again, with other ports, when a process finds its port taken.
 */
export interface Part {
  readonly name: string;
  /** Parts that must be ready before this one starts. */
  readonly after: readonly string[];
  start(context: PartContext): Promise<StartedPart>;
}

export interface PartContext {
  /** Of the state, absolute. */
  readonly directory: string;
  readonly profile: StackProfile;
  /** Chosen once and remembered; a name is the part's or begins with it and a hyphen. */
  readonly port: (name: string, preferred?: number) => Promise<number>;
  readonly secret: (name: string) => string;
  readonly print: (line: string) => void;
  /** Aborted when the stack is stopped. */
  readonly signal: AbortSignal;
  /** What the parts in `after` have contributed. */
  readonly env: Readonly<Record<string, string>>;
}

export interface StartedPart {
  /** May hold passwords. */
  readonly env: Readonly<Record<string, string>>;
  /** The same without passwords. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly processes: readonly ServerSpec[];
}

/**
 * How an app runs on the embedded stack. It registers by its package.json, `"heliograph": { "stack": "./stack.js" }`;
 * that module's default export is an AppDefinition. `npm start`, benchmarks and chaos runs launch the app from it.
 */
export interface AppDefinition {
  readonly name: string;
  /** Apps with a smaller one start earlier and stop later; default 0. */
  readonly order?: number;
  /** One entry per role, started together. */
  readonly processes: readonly AppProcess[];
  /** Shows the app at work, after all apps are ready; not with --no-demo. */
  demo?(context: DemoContext): Promise<{ stop(): Promise<void> }>;
}

/** One role of an app, and how to run it. */
export interface AppProcess {
  /** Unique in the app; its process is named `<app>-<role>`. */
  readonly role: string;
  /** Default this Node. Runs in the app's folder. */
  readonly command?: string;
  readonly args: readonly string[];
  /** Shown in the table; default the name. */
  readonly what?: string;
  /** Given to the process as HELIOGRAPH_HTTP_PORT; without it the process is ready once started. */
  readonly httpPort?: AppPort;
  /** Ready when this path on the HTTP port answers 200; default `/readyz`. */
  readonly readyPath?: string;
  /** More ports, by the variable that the process reads. */
  readonly ports?: Readonly<Record<string, AppPort>>;
  /** Added to the supervisor's and the stack's variables. */
  readonly env?: (ground: AppGround) => Environment;
  /** Between SIGTERM and SIGKILL, in milliseconds; default 10,000. */
  readonly stopGraceMs?: number;
}

export interface AppPort {
  /** HELIOGRAPH_<name>_PORT configures it in `npm start`. */
  readonly name: string;
  /** Used when it is free and none is remembered. */
  readonly preferred: number;
}

/** What an app stands on; a Stack is one. */
export interface AppGround {
  /** The servers' addresses, with passwords. */
  readonly env: Readonly<Record<string, string>>;
  /** Chooses a port once; the same name gives the same port. */
  port(name: string, wish?: PortWish): Promise<number>;
  /** Gives 32 random bytes in base64url, made once per state. */
  readonly secret: (name: string) => string;
}

/** A loaded app. */
export interface RegisteredApp {
  readonly packageName: string;
  /** Absolute. */
  readonly folder: string;
  readonly definition: AppDefinition;
}

export interface LaunchOptions {
  /** For all processes; overrides what the definition says. */
  readonly env?: Environment;
  /** Which roles to run, and as what; default each once. */
  readonly processes?: readonly ProcessLaunch[];
}

export interface ProcessLaunch {
  readonly role: string;
  /** Unique in the stack. A process with a name of its own has ports of its own; default `<app>-<role>`. */
  readonly name?: string;
  /** For this process alone; overrides everything but the ports. */
  readonly env?: Environment;
  /** Words before the command, for example those of a supervisor. */
  readonly wrap?: readonly string[];
}

/** One process of an app, ready for `Stack.run`, or to be spawned by its command, args, cwd and env. */
export interface AppProcessSpec extends ServerSpec {
  readonly role: string;
  /** The whole environment. */
  readonly env: Environment;
}

export interface DemoContext extends AppGround {
  /** Of the state (`.heliograph`), absolute. */
  readonly directory: string;
  /** Of the repository. */
  readonly root: string;
  /** Whether the state was empty at this start. */
  readonly fresh: boolean;
  /** Gives the URL of one of the app's roles. */
  readonly url: (role: string) => string;
  readonly print: (line: string) => void;
  /** Aborted when everything is to stop. */
  readonly signal: AbortSignal;
}

/**
 * Loads one app by the name of its folder under `apps/`.
 * @throws {StackError} STACK_APP_INVALID
 */
export function loadApp(root: string, name: string): Promise<RegisteredApp>;

/**
 * Describes an app's processes, for `Stack.run` or to be spawned by the caller; starts nothing.
 * @throws {StackError} STACK_APP_INVALID
 */
export function describeProcesses(
  app: RegisteredApp,
  ground: AppGround,
  options?: LaunchOptions,
): Promise<readonly AppProcessSpec[]>;

/** What `run.json` says while a stack runs. */
export interface RunState {
  readonly supervisor: ProcessIdentity;
  readonly startedAt: string;
  /** Addresses without passwords. */
  readonly env: Readonly<Record<string, string>>;
  readonly processes: readonly (ProcessView & {
    readonly startTime?: string;
    readonly guardStartTime?: string;
  })[];
}

/** A process that can be told apart from a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
}

/** The parts of a stack when nothing else is said, in the order in which they are stopped last to first. */
export const defaultParts: readonly Part[];

/**
 * Starts the embedded servers and resolves once all of them answer.
 *
 * A server that dies is started again on its port. When this process dies, even by kill -9, the servers end too.
 * @throws {StackError} STACK_ALREADY_RUNNING, STACK_FOREIGN_DIRECTORY, STACK_PORT_TAKEN, STACK_TEMPORAL_MISSING,
 *   STACK_BINARY_MISSING or STACK_START_FAILED; nothing is left running then
 */
export function startStack(options: StackOptions): Promise<Stack>;

/**
 * Builds and bundles packages and everything they need; output is shown only when it fails.
 * @throws {StackError} STACK_BUILD_FAILED
 */
export function buildApps(root: string, packageNames: readonly string[], signal?: AbortSignal): Promise<void>;

/** Gives the user's cache folder, shared by all clones. */
export function cacheDirectory(environment: Readonly<Record<string, string | undefined>>): string;

/** Says whether a server can listen on this loopback port now. */
export function isPortFree(port: number): Promise<boolean>;

/** Reads `run.json` of a state directory; `undefined` when no stack runs there. */
export function readRunState(directory: string): RunState | undefined;
