import type { ClaimId, ClaimName } from './claim-name.ts';

/** A workflow id whose histories, of any run, name an object. */
export interface ClaimOwner {
  readonly namespace: string;
  readonly workflowId: string;
}

/** What the collector knows of an owner; instants in milliseconds since 1970. */
export interface OwnerRecord extends ClaimOwner {
  readonly id: ClaimId;
  /** How often it has uploaded the object. */
  readonly uploads: number;
  /** When it first uploaded the object. */
  readonly claimedAt: number;
  /** When the collector last looked for its executions; null before that. */
  readonly observedAt: number | null;
  /** Since when there have been none; null while there are, and again after another upload. */
  readonly missingSince: number | null;
  /**
   * Executions may have come and gone between two looks, so whose relatives they were is not known. Such an owner keeps
   * its objects until an operator releases it.
   */
  readonly isUncertain: boolean;
}

/** What is to be recorded after a look. */
export interface Observation extends Pick<OwnerRecord, 'missingSince' | 'isUncertain'> {
  /** Families that the owner's executions belong to; they are added to those of before. */
  readonly families: readonly string[];
}

/**
 * Who names which object. An upload registers its owner before the object is stored, so every object that anybody may name
 * has an owner here. Functions reject with CODEC_CLAIMS_UNAVAILABLE if the register does not answer.
 */
export interface ClaimRegistry {
  /** Registers an owner of an object, and resolves to the object's name; a new one, if the object is not known. */
  claim(id: ClaimId, owner: ClaimOwner, signal: AbortSignal): Promise<ClaimName>;
  /** Of some names, those that objects have now: the others are, or may be, deleted. */
  currentNames(names: readonly ClaimName[], signal: AbortSignal): Promise<ReadonlySet<ClaimName>>;

  /** Owners in a namespace, in order of workflow id and object, after one of them, at most `limit`. */
  listOwners(
    namespace: string,
    page: { readonly after: Pick<OwnerRecord, 'workflowId' | 'id'> | null; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly OwnerRecord[]>;
  /** Families that an owner's executions were seen in. */
  listFamilies(owner: ClaimOwner, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Records what a look at an owner's executions found. `missingSince` stays null if the owner has uploaded the object
   * since the record was read.
   */
  observe(record: OwnerRecord, observation: Observation, at: number, signal: AbortSignal): Promise<void>;
  /** Removes an owner; nothing happens if it has uploaded the object since the record was read. Resolves to whether it did. */
  disown(record: OwnerRecord, signal: AbortSignal): Promise<boolean>;
  /** Gives up to `limit` objects without an owner for deletion: from now on their names are not current. */
  condemn(limit: number, signal: AbortSignal): Promise<number>;
  /** Names that are given up for deletion, at most `limit`. */
  listCondemned(limit: number, signal: AbortSignal): Promise<readonly ClaimName[]>;
  /** Forgets a name whose object was deleted. */
  forget(name: ClaimName, signal: AbortSignal): Promise<void>;
}
