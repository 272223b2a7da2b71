import { isOneLine } from '@heliograph/api-contract';

/** Names of the claims that say what a caller may do. A dot leads into an object: `realm_access.roles`. */
export interface ClaimNames {
  /** Texts with blanks between scopes, or lists; all that are present count. Default `scope` and `scp`. */
  readonly scopes?: readonly string[];
  /** A list of role names, or a text with blanks between them. Default `roles`. */
  readonly roles?: string;
  /** A text. Default `tenant`. */
  readonly tenant?: string;
}

/** The caller as its token describes it. */
export interface JwtIdentity {
  readonly issuer: string;
  readonly subject: string;
  /** Never `*`: a token has to name what its bearer may do. */
  readonly scopes: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
  readonly tenant?: string;
  /** When the token expires, in epoch milliseconds. */
  readonly expiresAt: number;
}

/** Reads the identity out of verified claims; null where one that is needed is missing or has another type. */
export function readIdentity(
  claims: Readonly<Record<string, unknown>>,
  names: ClaimNames = {},
): JwtIdentity | null {
  const { scopes: scopeClaims = ['scope', 'scp'], roles: rolesClaim = 'roles' } = names;
  const { iss, sub, exp } = claims;
  if (typeof iss !== 'string' || typeof sub !== 'string' || typeof exp !== 'number') return null;
  if (!isName(sub)) return null;
  const tenant = claimAt(claims, names.tenant ?? 'tenant');
  const scopes = scopeClaims.map((name) => wordsOf(claimAt(claims, name)));
  const roles = wordsOf(claimAt(claims, rolesClaim));
  const isTenant = tenant === undefined || (typeof tenant === 'string' && isName(tenant));
  if (!isTenant || roles === null || scopes.includes(null)) return null;
  return {
    issuer: iss,
    subject: sub,
    scopes: new Set(scopes.flatMap((words) => words ?? []).filter((scope) => scope !== '*')),
    roles: new Set(roles),
    ...(tenant === undefined ? {} : { tenant }),
    expiresAt: exp * 1000,
  };
}

/** What can be a line of a log and a part of a key. */
function isName(text: string): boolean {
  return text !== '' && text.length <= 255 && isOneLine(text);
}

function claimAt(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  // Names that are URLs have dots as well.
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

function wordsOf(claim: unknown): readonly string[] | null {
  if (claim === undefined || claim === null) return [];
  if (typeof claim === 'string') return claim.split(' ').filter((word) => word !== '');
  return Array.isArray(claim) && claim.every((word) => typeof word === 'string') ? claim : null;
}
