import { instantInput, isOneLine } from '@heliograph/api-contract';
import * as v from 'valibot';

/** The tenant of members and roles where a request names none. */
export const DEFAULT_TENANT = 'default';

/** The id of a key or a member: a UUID without hyphens. */
export const idSchema = v.pipe(v.string(), v.regex(/^[a-z0-9]{1,64}$/, 'Expected an id.'));

/** A tenant: `[a-z0-9-]{1,63}`. */
export const tenantSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'Expected a tenant, such as acme: letters a-z, digits, hyphens.'),
);

/** The name of a role: `[a-z0-9._-]{1,64}`. */
export const roleNameSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'Expected the name of a role, such as on-call.'),
);

/** A scope such as `routes:read`, or `*` for everything. */
const scopeSchema = v.pipe(
  v.string(),
  v.regex(/^(?:\*|[A-Za-z0-9][A-Za-z0-9._:-]{0,99})$/, 'Expected a scope, such as routes:read, or *.'),
);

/** Scopes in a request. */
export const scopesInput = v.pipe(v.array(scopeSchema), v.maxLength(100));

/** Roles in a request. */
export const rolesInput = v.pipe(v.array(roleNameSchema), v.maxLength(100));

const line = v.pipe(v.string(), v.check(isOneLine, 'Expected one line of visible, well-formed Unicode.'));

/** A name that people gave. */
export const nameInput = v.pipe(line, v.trim(), v.minLength(1), v.maxLength(200));

/** `iss` of a token. */
export const issuerInput = v.pipe(line, v.minLength(1), v.maxLength(500));

/** `sub` of a token. */
export const subjectInput = v.pipe(line, v.minLength(1), v.maxLength(255));

/** The id of a principal: of a key, or `sub@iss#tenant` of a token. */
export const principalInput = v.pipe(line, v.minLength(1), v.maxLength(900));

/** When a key expires: no later than the last day of the year 9999 begins. */
export const expiryInput = v.pipe(
  instantInput,
  v.check((given) => Date.parse(given) <= Date.UTC(9999, 11, 31), 'Expected an instant until the year 9999.'),
);
