/** What a request of the codec server asked for. */
export type AuditAction = 'decode' | 'encode' | 'download';

/**
 * What became of it. `allowed`: carried out. `denied`: the subject may not. `refused`: the request was not acceptable (a
 * 4xx other than 401 and 403). `failed`: allowed, and not carried out, for example because the ciphertext was changed.
 */
export type AuditOutcome = 'allowed' | 'denied' | 'refused' | 'failed';

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
  /** How many payloads the entry stands for. */
  readonly count: number;
  readonly outcome: AuditOutcome;
  /** A code, such as `CODEC_KEY_UNKNOWN`; null where the request was carried out. */
  readonly reason: string | null;
}

/** Where the codec server records who looked. */
export interface AuditLog {
  /**
   * Resolves once every entry is stored for good, all of them in one transaction. Texts are cleaned and shortened, so
   * that what a caller chose never makes it fail.
   *
   * @throws AuditError AUDIT_UNAVAILABLE: answer 503, and give nothing out. The entries may be stored all the same.
   */
  append(entries: readonly AuditEntry[]): Promise<void>;
}
