/** Started: it runs, or is in doubt. */
export interface StartedRow {
  readonly state: 'started';
  readonly fence: bigint;
  /** Whether its runner is alive. */
  readonly isLeased: boolean;
  readonly request: string | null;
}

/** What is stored of what an effect returned. */
export interface Outcome {
  /** JSON; null for undefined, and where it is not stored. */
  readonly result: string | null;
  readonly resultProblem: ResultProblem | null;
}

/** Done. */
export interface DoneRow extends Outcome {
  readonly state: 'done';
  readonly fence: bigint;
  readonly request: string | null;
}

/** What the log holds of a key. */
export type ExecutionRow = StartedRow | DoneRow;

/** Why the result of something that is done is not stored. */
export type ResultProblem = 'invalid' | 'too_large';

/** A claim of a key that has no row yet. */
export interface Claim {
  readonly key: string;
  /** SHA-256 of the request in hexadecimal digits; null where none was given. */
  readonly request: string | null;
  readonly leaseMs: number;
  /** The longest of all callers counts from the settlement of what is in doubt. */
  readonly keepMs: number;
}

/** Whose change it is: one of another fence changes nothing. */
export interface Holder {
  readonly key: string;
  readonly fence: bigint;
}

/** Where the log is kept. Every method is atomic; the clock is the store's. */
export interface ExecutionStore {
  /** Reserves a fence, greater than every one before. */
  nextFence(): Promise<bigint>;
  /** Inserts a started row with a lease, if there is none. Repeated with its fence, it changes nothing. */
  claim(claim: Claim, fence: bigint): Promise<void>;
  find(key: string): Promise<ExecutionRow | null>;
  /** Gives a started row whose lease has ended to a new fence; false if somebody else was first. */
  takeOver(from: Holder, fence: bigint, terms: Pick<Claim, 'leaseMs' | 'keepMs'>): Promise<boolean>;
  /** Prolongs a lease; false if it is not this holder's any more. */
  renew(holder: Holder, leaseMs: number): Promise<boolean>;
  /** Ends a lease, and leaves the row in doubt. */
  release(holder: Holder): Promise<void>;
  /** Removes a started row: what it stands for did not happen. */
  forget(holder: Holder): Promise<boolean>;
  /** Stores what is done; false if it is not this holder's any more. Repeated, it is true again. */
  complete(holder: Holder, outcome: Outcome, keepMs: number): Promise<boolean>;
  /** Notes that a runner finished after another one had taken over: its effect may have happened twice. */
  markOverrun(key: string): Promise<void>;
  /** Keeps a done row for another `keepMs` from now on, at least. */
  keep(key: string, keepMs: number): Promise<void>;
}
