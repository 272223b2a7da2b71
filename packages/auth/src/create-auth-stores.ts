import type { Postgres } from '@heliograph/database';
import { createKeyStore, type KeyStore } from './keys/key-store.ts';
import { openLookUps } from './look-ups.ts';
import { createAuthMaintenance, type AuthMaintenance } from './maintenance.ts';
import { createTenantChanges } from './members/change-tenant.ts';
import { createMemberStore, type MemberStore } from './members/member-store.ts';
import { createRoleStore, type RoleStore } from './members/role-store.ts';
import { createLoginStore, type LoginStore } from './tokens/login-store.ts';
import { createNonceStore, type NonceStore } from './tokens/nonce-store.ts';
import { createRefreshTokenStore, type RefreshTokenStore } from './tokens/refresh-token-store.ts';

/** Everything that the schema `auth` holds. */
export interface AuthStores {
  readonly keys: KeyStore;
  readonly members: MemberStore;
  readonly roles: RoleStore;
  readonly refreshTokens: RefreshTokenStore;
  readonly logins: LoginStore;
  readonly nonces: NonceStore;
  readonly maintenance: AuthMaintenance;
  /** Ends the connections for look-ups and counts. */
  close(): Promise<void>;
}

/**
 * The stores of one database, whose schema `migrateAuth` has brought up to date. Callers are looked up on up to 4
 * connections of their own, and counted on one more.
 */
export function createAuthStores(postgres: Pick<Postgres, 'db' | 'sql' | 'separate'>): AuthStores {
  const lookUps = openLookUps(postgres);
  const maintenance = createAuthMaintenance(postgres);
  const changeTenant = createTenantChanges(postgres.db);
  return {
    keys: createKeyStore({ ...postgres, lookUps }),
    members: createMemberStore({ ...postgres, lookUps, changeTenant }),
    roles: createRoleStore({ ...postgres, changeTenant }),
    refreshTokens: createRefreshTokenStore(postgres),
    logins: createLoginStore(postgres),
    nonces: createNonceStore(postgres),
    maintenance,
    close: async () => {
      await Promise.all([lookUps.end({ timeout: 1 }), maintenance.close()]);
    },
  };
}
