import type { Part } from './parts/part.ts';
import type { PortWish } from './ports.ts';
import type { ProcessView, ServerSpec, StackEvent } from './server-spec.ts';

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
  /** Aborts the start. */
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
  /** Gives the path of the key ring of all apps, for HELIOGRAPH_CODEC_KEYS_FILE; a key of the domain is made once per state. */
  readonly keyRingFile: (domain: string) => string;
  /**
   * Starts more processes, together, under the stack's care, and resolves once all are ready. The stack stops them
   * before those that were there earlier; the returned `stop` stops them now and takes them out of `processes()`.
   * @throws {StackError} STACK_START_FAILED; none of them is left running then
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
