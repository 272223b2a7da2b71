import type { Postgres } from '@heliograph/database';
import { createKeyStore, type KeyStore } from './keys/key-store.ts';
import { createMemberStore, type MemberStore } from './members/member-store.ts';
import { createRoleStore, type RoleStore } from './members/role-store.ts';
import { createNonceStore, type NonceStore } from './tokens/nonce-store.ts';
import { createRefreshTokenStore, type RefreshTokenStore } from './tokens/refresh-token-store.ts';

/** Everything that the schema `auth` holds. */
export interface AuthStores {
  readonly keys: KeyStore;
  readonly members: MemberStore;
  readonly roles: RoleStore;
  readonly refreshTokens: RefreshTokenStore;
  readonly nonces: NonceStore;
}

/** The stores of one database, whose schema `migrateAuth` has brought up to date. */
export function createAuthStores(postgres: Pick<Postgres, 'db' | 'sql'>): AuthStores {
  return {
    keys: createKeyStore(postgres),
    members: createMemberStore(postgres),
    roles: createRoleStore(postgres),
    refreshTokens: createRefreshTokenStore(postgres),
    nonces: createNonceStore(postgres),
  };
}
