import { type Postgres, queryWith, toDatabaseError } from '@heliograph/database';
import { and, asc, desc, eq, gte, gt, lt, type SQL } from 'drizzle-orm';
import type { AuditAction, AuditOutcome, ChainedEntry, ChainHead } from '../audit-entry.ts';
import { EMPTY_CHAIN } from '../chain.ts';
import { AuditError } from '../errors.ts';
import { cleanField } from '../prepare-entries.ts';
import { entries as table } from './schema.ts';

/** Which entries are asked for; all conditions hold. Texts are cleaned as they were when they were stored. */
export interface AuditFilter {
  readonly subject?: string | undefined;
  readonly namespace?: string | undefined;
  readonly domain?: string | undefined;
  readonly keyId?: string | undefined;
  readonly requestId?: string | undefined;
  readonly action?: AuditAction | undefined;
  readonly outcome?: AuditOutcome | undefined;
  /** From this instant on. */
  readonly from?: Date | undefined;
  /** Before this instant. */
  readonly to?: Date | undefined;
}

/** Which part of a list is asked for. */
export interface AuditPage {
  /** `newest` first, the default, or `oldest` first, as a verification needs it. */
  readonly order?: 'newest' | 'oldest' | undefined;
  /** The number of the last entry of the page before. */
  readonly after?: number | undefined;
  readonly limit: number;
}

/** Reads the audit log. */
export interface AuditReader {
  /** @throws AuditError AUDIT_UNAVAILABLE */
  list(filter: AuditFilter, page: AuditPage): Promise<readonly ChainedEntry[]>;
  /**
   * Every entry from the first on, read in pages of 1,000, for `verifyChain`.
   *
   * @throws AuditError AUDIT_UNAVAILABLE
   */
  readAll(): AsyncIterable<ChainedEntry>;
  /** @throws AuditError AUDIT_UNAVAILABLE */
  readHead(): Promise<ChainHead>;
}

const PAGE_SIZE = 1000;

/**
 * Creates a reader of `codec_audit.entries`, over what a `Postgres` gives or a pool of its own. It needs SELECT on the table.
 */
export function createAuditReader({
  pg,
}: {
  readonly pg: Pick<Postgres, 'db'> | Pick<Postgres, 'sql'>;
}): AuditReader {
  const db = 'db' in pg ? pg.db : queryWith(pg.sql);
  const list: AuditReader['list'] = async (filter, { order = 'newest', after, limit }) => {
    const isNewest = order === 'newest';
    const position = isNewest ? lt : gt;
    const conditions = [
      ...conditionsOf(filter),
      ...(after === undefined ? [] : [position(table.sequence, after)]),
    ];
    try {
      return await db
        .select()
        .from(table)
        .where(and(...conditions))
        .orderBy(isNewest ? desc(table.sequence) : asc(table.sequence))
        .limit(limit);
    } catch (error) {
      throw new AuditError('AUDIT_UNAVAILABLE', 'The audit log could not be read.', {
        cause: toDatabaseError(error, 'read the audit log'),
      });
    }
  };
  return {
    list,
    async *readAll() {
      let after = 0;
      for (;;) {
        const page = await list({}, { order: 'oldest', after, limit: PAGE_SIZE });
        yield* page;
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE_SIZE) return;
        after = last.sequence;
      }
    },
    readHead: async () => {
      const [last] = await list({}, { limit: 1 });
      return last === undefined ? EMPTY_CHAIN : { sequence: last.sequence, hash: last.hash };
    },
  };
}

function conditionsOf(filter: AuditFilter): readonly SQL[] {
  const { action, outcome, from, to } = filter;
  const texts = [
    [table.subject, filter.subject],
    [table.namespace, filter.namespace],
    [table.domain, filter.domain],
    [table.keyId, filter.keyId],
    [table.requestId, filter.requestId],
  ] as const;
  return [
    ...texts.flatMap(([column, text]) => {
      const cleaned = cleanField(text ?? null);
      return cleaned === null ? [] : [eq(column, cleaned)];
    }),
    ...(action === undefined ? [] : [eq(table.action, action)]),
    ...(outcome === undefined ? [] : [eq(table.outcome, outcome)]),
    ...(from === undefined ? [] : [gte(table.at, from)]),
    ...(to === undefined ? [] : [lt(table.at, to)]),
  ];
}
