/** What a collection of stored payloads did; as `Collection` of `codec/claims`. */
export interface CollectionResult {
  /** Workflow ids that were looked at. */
  readonly owners: number;
  /** Of these, those that were forgotten. */
  readonly disowned: number;
  /** Of these, those that keep their objects although nothing of them exists. */
  readonly uncertain: number;
  /** Objects that were deleted. */
  readonly deleted: number;
  /** Of these, those that no register knew. */
  readonly orphans: number;
}

/** What became of stored payloads during a rotation. */
export interface RotationCounts {
  /** Encrypted with the active key already. */
  readonly current: number;
  readonly reencrypted: number;
  /** Their data key was wrapped anew by the newest version of the active key. Absent in what a release before this wrote. */
  readonly rewrapped?: number;
  /** Deleted, or replaced by another process, meanwhile. */
  readonly gone: number;
  /** Of another namespace. */
  readonly foreign: number;
  /** Not encrypted anew: each may need an old key. By code, such as `CODEC_KEY_UNKNOWN`. */
  readonly failed: Readonly<Record<string, number>>;
}

/** How many runs and schedules name a key; `domain` is null in the format of the official samples. */
export interface KeyUseCount {
  readonly domain: string | null;
  readonly keyId: string;
  readonly uses: number;
}

/** What still names which key. */
export interface KeyUseReport {
  readonly keys: readonly KeyUseCount[];
  /** Runs and schedules with a plain payload. */
  readonly plain: number;
  /** Whether payloads name more keys than were counted. */
  readonly isOverflown: boolean;
}

/** What a rotation did, and what still names which key after it. */
export interface RotationResult extends KeyUseReport {
  readonly stored: RotationCounts;
}

export const NOTHING_ROTATED: RotationCounts = {
  current: 0,
  reencrypted: 0,
  rewrapped: 0,
  gone: 0,
  foreign: 0,
  failed: {},
};

/** The sum of what two batches did. */
export function addCounts(one: RotationCounts, other: RotationCounts): RotationCounts {
  const failed = { ...one.failed };
  for (const [code, count] of Object.entries(other.failed)) failed[code] = (failed[code] ?? 0) + count;
  return {
    current: one.current + other.current,
    reencrypted: one.reencrypted + other.reencrypted,
    rewrapped: (one.rewrapped ?? 0) + (other.rewrapped ?? 0),
    gone: one.gone + other.gone,
    foreign: one.foreign + other.foreign,
    failed,
  };
}
