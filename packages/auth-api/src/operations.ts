import { createKey, listKeys, readKey, revokeKey } from './keys.ts';
import { listLogins, readLogin, revokeLogin, revokeLogins } from './logins.ts';
import { cleanUp, readCounts, revokeNonces } from './maintenance.ts';
import { createMember, listMembers, readMember, removeMember, replaceMember } from './members.ts';
import { listRoles, putRole, readRole, removeRole } from './roles.ts';

/** The name of the API in its OpenAPI document; an app that mounts it has a name of its own. */
export const API_NAME = 'auth';

/** The version of the API, as its paths carry it. It is not the version of the packages. */
export const API_VERSION = '1';

/** Every operation of the API, by the name of the client's method, in the order of the OpenAPI document. */
export const authOperations = {
  listKeys,
  createKey,
  readKey,
  revokeKey,
  listMembers,
  createMember,
  readMember,
  replaceMember,
  removeMember,
  listRoles,
  readRole,
  putRole,
  removeRole,
  listLogins,
  readLogin,
  revokeLogin,
  revokeLogins,
  revokeNonces,
  readCounts,
  cleanUp,
} as const;
