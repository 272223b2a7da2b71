export { migrateAuth } from './migrate.ts';
export { createAuthStores } from './create-auth-stores.ts';
export type { AuthStores } from './create-auth-stores.ts';
export { AuthError } from './errors.ts';
export type { AuthErrorCode } from './errors.ts';
export { requireGrantable, tenantFor } from './grants.ts';
export type { Caller } from './grants.ts';
export { limitToTenant } from './limit-to-tenant.ts';
export { makeKey, parseKey } from './keys/key-format.ts';
export type { NewKey } from './keys/key-format.ts';
export type { ApiKey, ApiKeyDraft, KeyStore, KeyUse, KnownKey } from './keys/key-store.ts';
export { createKeyAuth } from './keys/key-auth.ts';
export type { KeyAuth, KeyAuthOptions } from './keys/key-auth.ts';
export { createLastUsed } from './keys/last-used.ts';
export type { LastUsed, LastUsedOptions } from './keys/last-used.ts';
export type { Role, RoleStore } from './members/role-store.ts';
export type { Member, MemberStore, Rights, RightsQuery, Subject } from './members/member-store.ts';
export { createMemberIdentifier } from './members/identify-member.ts';
export type { MemberIdentifier, MemberIdentifierOptions } from './members/identify-member.ts';
export { createRefreshTokenStore } from './tokens/refresh-token-store.ts';
export type {
  IssuedRefreshToken,
  RefreshOutcome,
  RefreshTokenOptions,
  RefreshTokenStore,
} from './tokens/refresh-token-store.ts';
export type { LoginHolder } from './tokens/login-holder.ts';
export type { Login, LoginStore } from './tokens/login-store.ts';
export type { RefreshRefusal } from './tokens/decide-refresh.ts';
export { createNonceStore } from './tokens/nonce-store.ts';
export type { NonceOutcome, NonceStore } from './tokens/nonce-store.ts';
export type { AuthCounts, AuthMaintenance, CleanUpReport, StateCounts } from './maintenance.ts';
export { cleanUp, startCleanUp } from './clean-up.ts';
export type { CleanUpLoop, CleanUpOptions, CleanUpResult } from './clean-up.ts';
