import { isOneLine } from '@heliograph/api-contract';
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

/** An instant in a request: ISO 8601 in UTC, of a day that exists. */
export const instantInput = v.pipe(
  v.string(),
  v.isoTimestamp('Expected an instant such as 2026-01-31T12:00:00Z.'),
  v.check(isInstant, 'Expected an instant that exists, until the year 9999.'),
);

/** An instant in an answer: ISO 8601 in UTC. */
export const instant = v.pipe(v.string(), v.isoTimestamp());

/** `Date.parse` takes the 31st of February for the 3rd of March. */
function isInstant(given: string): boolean {
  const [year = 0, month = 0, day = 0] = given.slice(0, 10).split('-').map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const at = Date.parse(given);
  return date.getUTCDate() === day && at <= Date.UTC(9999, 11, 31);
}
