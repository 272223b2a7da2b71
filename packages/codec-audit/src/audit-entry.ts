/** What a request of the codec server can ask for; see {@link AuditAction}. */
export const AUDIT_ACTIONS = ['decode', 'encode', 'download', 'audit', 'access', 'none'] as const;

/**
 * What a request of the codec server asked for: payloads (`decode`, `encode`, `download`), this log (`audit`), keys, members
 * and roles (`access`). `none`: it was refused before anybody knew.
 */
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** What can become of a request; see {@link AuditOutcome}. */
export const AUDIT_OUTCOMES = ['allowed', 'denied', 'refused', 'failed'] as const;

/**
 * The outcome of a request. `allowed`: carried out. `denied`: the subject may not. `refused`: the request was not
 * acceptable (a 4xx other than 401 and 403). `failed`: allowed, and not carried out, for example because the ciphertext was
 * changed.
 */
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/** One line of the audit log: who did what to how many payloads. It never holds content. */
export interface AuditEntry {
  readonly at: Date;
  readonly requestId: string;
  /** The id of the principal; null where nobody was authenticated. */
  readonly subject: string | null;
  readonly action: AuditAction;
  /** The authenticated namespace of the envelopes; null where there is none, as it is for plain payloads. */
  readonly namespace: string | null;
  /** The authenticated domain of the envelopes; null where there is none. */
  readonly domain: string | null;
  /** Null where it is not known. */
  readonly keyId: string | null;
  /** How many payloads the entry stands for; for `audit`, entries. */
  readonly count: number;
  readonly outcome: AuditOutcome;
  /** A code, such as `CODEC_KEY_UNKNOWN`; null where the request was carried out. */
  readonly reason: string | null;
}

/** Where the codec server records who looked. */
export interface AuditLog {
  /**
   * Resolves once every entry is stored for good, all of them in one transaction. Texts are cleaned and shortened, so
   * that what a caller chose never makes it fail; more than 256 entries are folded, see `prepareEntries`.
   *
   * @throws AuditError AUDIT_UNAVAILABLE: answer 503, and give nothing out. The entries may be stored all the same.
   *   AUDIT_ENTRY_INVALID: nothing is stored.
   */
  append(entries: readonly AuditEntry[]): Promise<void>;
}

/** An entry in its place in the chain. */
export interface ChainedEntry extends AuditEntry {
  /** 1 for the first entry; without gaps. */
  readonly sequence: number;
  /** The hash of the entry before; 32 zero bytes for the first. */
  readonly previousHash: Uint8Array;
  /** SHA-256 of `encodeEntry`. */
  readonly hash: Uint8Array;
}

/** An entry as a verification reads it: a newer release may have actions and outcomes that are unknown here. */
export type VerifiableEntry = Omit<ChainedEntry, 'action' | 'outcome'> & {
  readonly action: string;
  readonly outcome: string;
};

/** Where a chain ends: the number and the hash of its last entry. */
export interface ChainHead {
  /** 0 for an empty chain. */
  readonly sequence: number;
  readonly hash: Uint8Array;
}
