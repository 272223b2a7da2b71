import type { PortWish } from '../ports.ts';
import type { Environment, ServerSpec } from '../server-spec.ts';

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
  /** Names of the ports that the demo asks for. */
  readonly demoPorts?: readonly string[];
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
  /** Added to the supervisor's variables (without those that only the stack reads) and the stack's. */
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

/** The servers that an app runs on; a Stack provides them. */
export interface AppGround {
  /** The servers' addresses, with passwords. */
  readonly env: Readonly<Record<string, string>>;
  /** Chooses a port once; the same name gives the same port. */
  port(name: string, wish?: PortWish): Promise<number>;
  /** Gives 32 random bytes in base64url, made once per state. */
  readonly secret: (name: string) => string;
  /** Gives the path of the key ring of all apps, for HELIOGRAPH_CODEC_KEYS_FILE; a key of the domain is made once per state. */
  readonly keyRingFile: (domain: string) => string;
}

/** A loaded app. */
export interface RegisteredApp {
  readonly packageName: string;
  /** Absolute. */
  readonly folder: string;
  readonly definition: AppDefinition;
}

export interface LaunchOptions {
  /** Other apps of this stack; the variables that configure their ports are not passed on. */
  readonly others?: readonly RegisteredApp[];
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
