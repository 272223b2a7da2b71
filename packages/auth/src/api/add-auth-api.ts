import { uuidV7Ids, type Edge, type Ids } from '@heliograph/service';
import type { KeyStore } from '../keys/key-store.ts';
import type { AuthMaintenance } from '../maintenance.ts';
import type { MemberStore } from '../members/member-store.ts';
import type { RoleStore } from '../members/role-store.ts';
import type { LoginStore } from '../tokens/login-store.ts';
import type { NonceStore } from '../tokens/nonce-store.ts';
import { addKeysApi } from './keys-api.ts';
import { addLoginsApi } from './logins-api.ts';
import { addMaintenanceApi } from './maintenance-api.ts';
import { addMembersApi } from './members-api.ts';
import { addRolesApi } from './roles-api.ts';

/** What the API works with. */
export interface AuthApiDependencies {
  readonly keys: KeyStore;
  readonly members: MemberStore;
  readonly roles: RoleStore;
  readonly logins: LoginStore;
  readonly nonces: NonceStore;
  readonly maintenance: AuthMaintenance;
  /** Hears the prefix of a key that was revoked here: `forget` of `createKeyAuth`. */
  readonly onRevoked: (prefix: string) => void;
  /** Hears the tenant whose members or roles were changed here: `forget` of `createMemberIdentifier`. */
  readonly onChanged: (tenant: string) => void;
  readonly ids?: Ids;
}

/** Adds the operations of `auth-api` to an edge, below `/api/v1/auth`. The edge needs an idempotency store. */
export function addAuthApi(edge: Edge, { ids = uuidV7Ids, ...dependencies }: AuthApiDependencies): void {
  addKeysApi(edge, { ...dependencies, ids });
  addMembersApi(edge, { ...dependencies, ids });
  addRolesApi(edge, dependencies);
  addLoginsApi(edge, dependencies);
  addMaintenanceApi(edge, dependencies);
}
