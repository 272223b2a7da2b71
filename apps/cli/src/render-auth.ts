import type { AnswerTo } from '@heliograph/auth-api';
import { Page } from './layout.ts';
import type { Terminal } from './terminal.ts';

type Screen = Pick<Terminal, 'env' | 'isTty' | 'columns'>;
type Key = AnswerTo<'listKeys'>['body']['items'][number];
type Member = AnswerTo<'listMembers'>['body']['items'][number];
type Role = AnswerTo<'listRoles'>['body']['items'][number];
type Login = AnswerTo<'listLogins'>['body']['items'][number];
type Counts = AnswerTo<'readCounts'>['body'];

/** What was listed, and whether there is more. */
interface Found<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
}

/** Lays out a key that was just created. `key` is null where it went into a file. */
export function renderCreatedKey(
  created: Key,
  key: string | null,
  file: string | null,
  screen: Screen,
): string {
  const page = new Page(screen).add(`Key ${created.name} is created.`, { style: 'strong' });
  addKeyRows(page, created);
  if (key === null)
    return page
      .gap()
      .add(`The key is in ${file ?? ''}. It cannot be shown again.`)
      .toString();
  return page.gap().add(key).gap().add('This is the key. It cannot be shown again.').toString();
}

/** Lays out keys. */
export function renderKeys(found: Found<Key>, screen: Screen): string {
  return render(found, screen, 'There are no keys.', (page, key) => {
    page.add(`${key.name} (${key.state})`, { style: key.state === 'active' ? 'strong' : 'faint' });
    addKeyRows(page, key);
  });
}

/** Lays out members. */
export function renderMembers(found: Found<Member>, screen: Screen): string {
  return render(
    found,
    screen,
    'There are no members.',
    (page, { name, subject, issuer, tenant, roles, id, principalId }) => {
      page.add(name === null ? subject : `${name} (${subject})`, { style: 'strong' });
      page.table(
        [
          ['id', id],
          ['tenant', tenant],
          ['issuer', issuer],
          ['principal', principalId],
          ['roles', listOf(roles)],
        ],
        2,
      );
    },
  );
}

/** Lays out roles. */
export function renderRoles(found: Found<Role>, screen: Screen): string {
  return render(found, screen, 'There are no roles.', (page, { name, tenant, scopes }) => {
    page.add(name, { style: 'strong' });
    page.table(
      [
        ['tenant', tenant],
        ['scopes', listOf(scopes)],
      ],
      2,
    );
  });
}

/** Lays out logins. */
export function renderLogins(found: Found<Login>, screen: Screen): string {
  return render(found, screen, 'There are no logins.', (page, login) => {
    page.add(`${login.principalId} (${login.state})`, {
      style: login.state === 'active' ? 'strong' : 'faint',
    });
    page.table(
      [
        ['id', login.id],
        ['tenant', login.tenant ?? 'all'],
        ['begun', login.createdAt],
        ['refreshed', login.refreshedAt],
        ['expires', `${login.expiresAt} unless it is refreshed, ${login.endsAt} at the latest`],
        ...(login.revokedAt === null
          ? []
          : [['revoked', `${login.revokedAt} (${WHY[login.revokedFor ?? ''] ?? login.revokedFor ?? ''})`]]),
      ],
      2,
    );
  });
}

/** Lays out counts. */
export function renderCounts(counts: Counts, screen: Screen): string {
  const { keys, members, roles, logins, refreshTokens, nonces } = counts;
  const states = ({ active, expired, revoked }: Counts['keys']): string =>
    `${active} active, ${expired} expired, ${revoked} revoked`;
  return new Page(screen)
    .table(
      [
        ['keys', states(keys)],
        ['members', String(members)],
        ['roles', String(roles)],
        ['logins', states(logins)],
        ['refresh tokens', String(refreshTokens)],
        ...(nonces ?? []).map(({ purpose, open, used, expired }) => [
          `nonces for ${purpose}`,
          `${open} open, ${used} used, ${expired} expired`,
        ]),
      ],
      0,
    )
    .toString();
}

const WHY: Readonly<Record<string, string>> = {
  logout: 'logged out',
  reuse: 'a token was used twice',
  operator: 'by its id',
  principal: 'with all logins of the caller',
  holder: 'with its member or key',
};

function addKeyRows(page: Page, key: Key): void {
  page.table(
    [
      ['id', key.id],
      ['begins with', key.prefix],
      ['scopes', listOf(key.scopes)],
      ...(key.roles.length === 0 ? [] : [['roles', listOf(key.roles)]]),
      ['tenant', key.tenant ?? 'all'],
      ['created', `${key.createdAt} by ${key.createdBy}`],
      ['expires', key.expiresAt ?? 'never'],
      ['last used', key.lastUsedAt ?? 'never'],
      ...(key.revokedAt === null ? [] : [['revoked', key.revokedAt]]),
    ],
    2,
  );
}

function render<T>(
  { items, hasMore }: Found<T>,
  screen: Screen,
  none: string,
  add: (page: Page, item: T) => void,
): string {
  const page = new Page(screen);
  if (items.length === 0) return page.add(none).toString();
  for (const [index, item] of items.entries()) add(index === 0 ? page : page.gap(), item);
  if (hasMore) page.gap().add('There are more. Raise --limit to list them.', { style: 'faint' });
  return page.toString();
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}
