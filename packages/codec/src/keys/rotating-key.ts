import type { CodecKey } from './codec-key.ts';

/** When a key is replaced. */
export interface RotationPolicy {
  /** The longest that a key encrypts while its source answers, in milliseconds. */
  readonly windowMs: number;
  /** How many payloads it encrypts before it is replaced. */
  readonly maxEncryptions: number;
}

/** What is known of the active key; instants of a clock that does not go back, in milliseconds. */
export interface RotationState {
  readonly activeSince: number;
  /** Payloads that it was asked to encrypt. */
  readonly encryptions: number;
  /** Attempts to replace it that failed in a row. */
  readonly failures: number;
  readonly failedAt: number;
  /** From 0 to 1, drawn anew for each key: processes that start together do not ask the source together. */
  readonly spread: number;
}

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;
const REPORT_EVERY_MS = 60_000;

/** Says whether the key is to be replaced: after 90 to 100 % of its window, or when it has encrypted enough. */
export function isRotationDue(state: RotationState, policy: RotationPolicy, now: number): boolean {
  const { activeSince, encryptions, failures, failedAt, spread } = state;
  const isOld = now - activeSince >= policy.windowMs * (1 - spread / 10);
  if (!isOld && encryptions < policy.maxEncryptions) return false;
  if (failures === 0) return true;
  const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
  return now - failedAt >= delay * (1 - spread / 2);
}

/** A key that is in memory and is replaced in the background. */
export interface RotatingKey {
  /** The active key. */
  current(): CodecKey;
  /** The active key, for a number of encryptions. */
  use(encryptions: number): CodecKey;
  /** Replaces the key in the background if that is due. Until there is another one, and if there is none, it stays. */
  rotateIfDue(): void;
}

/** What {@link createRotatingKey} needs. */
export interface RotatingKeyOptions {
  readonly policy: RotationPolicy;
  /** Makes the next key; rejects with a `CodecError`. */
  readonly generate: () => Promise<CodecKey>;
  readonly onRotation: (before: CodecKey) => void;
  /** Receives why the key cannot be replaced: at once, then once a minute. */
  readonly onProblem: (problem: unknown) => void;
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/**
 * Creates a key that is rotated, with its first one in memory.
 *
 * @throws {CodecError} of `generate`: there is no key before the first one.
 */
export async function createRotatingKey(options: RotatingKeyOptions): Promise<RotatingKey> {
  const { policy, generate, onRotation, onProblem, now, random } = options;
  const freshState = (): RotationState => ({
    activeSince: now(),
    encryptions: 0,
    failures: 0,
    failedAt: 0,
    spread: random(),
  });
  let key = await generate();
  let state = freshState();
  let isRotating = false;
  let reportedAt = Number.NEGATIVE_INFINITY;
  const rotate = async (): Promise<void> => {
    isRotating = true;
    try {
      const next = await generate();
      const before = key;
      key = next;
      state = freshState();
      reportedAt = Number.NEGATIVE_INFINITY;
      onRotation(before);
    } catch (error) {
      state = { ...state, failures: state.failures + 1, failedAt: now() };
      if (now() - reportedAt < REPORT_EVERY_MS) return;
      reportedAt = now();
      onProblem(error);
    } finally {
      isRotating = false;
    }
  };
  return {
    current: () => key,
    use(encryptions) {
      state = { ...state, encryptions: state.encryptions + encryptions };
      return key;
    },
    rotateIfDue() {
      if (!isRotating && isRotationDue(state, policy, now())) void rotate();
    },
  };
}
