/** What is known of a presented refresh token and of its login. Instants are epoch milliseconds. */
export interface RefreshState {
  readonly expiresAt: number;
  readonly usedAt: number | null;
  readonly familyExpiresAt: number;
  readonly familyRevokedAt: number | null;
  /** Whether the member or key that the login belongs to is gone. */
  readonly isHolderGone: boolean;
}

/** Why a refresh token is not exchanged. */
export type RefreshRefusal = 'unknown' | 'expired' | 'revoked' | 'reused';

/**
 * Decides about a refresh token. One that was used before is in two hands: whichever of them is the thief's, the whole
 * login has to end. A token that was used stays so after its expiry, so that a late copy is noticed as well.
 */
export function decideRefresh(state: RefreshState | null, now: number): 'rotate' | RefreshRefusal {
  if (state === null) return 'unknown';
  if (state.familyRevokedAt !== null || state.isHolderGone) return 'revoked';
  if (state.usedAt !== null) return 'reused';
  return state.expiresAt <= now || state.familyExpiresAt <= now ? 'expired' : 'rotate';
}
