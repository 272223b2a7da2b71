import type { ServerSpec } from '../server-spec.ts';
import type { StackProfile } from '../stack.ts';

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
