import {
  classifyError,
  createBatchedWriter,
  DatabaseError,
  toDatabaseError,
  type Postgres,
  withDeadline,
} from '@heliograph/database';
import type { AuditEntry, AuditLog, ChainedEntry, ChainHead } from '../audit-entry.ts';
import { chainEntries, EMPTY_CHAIN } from '../chain.ts';
import { AuditError } from '../errors.ts';
import { prepareEntries } from '../prepare-entries.ts';

/** Options of {@link createAuditLog}. */
export interface AuditLogOptions {
  readonly pg: Pick<Postgres, 'sql'>;
  /** How long to wait for other processes that append; default 3,000 ms. */
  readonly lockWaitMs?: number;
  /** How long an append may take, whatever happens; default 5,000 ms. */
  readonly timeoutMs?: number;
  /** Receives the head after each commit of this process: show it outside of the database, as a metric and in the log. */
  readonly onAppended?: (head: ChainHead) => void;
}

/** One append that waits. */
interface PendingAppend {
  readonly request: number;
  readonly entries: readonly AuditEntry[];
  /** On `performance.now`. */
  readonly expiresAt: number;
  isDropped: boolean;
}

/** The requests of one transaction at most. */
const MAX_BATCH = 200;
/** How long a process that stands still may hold the lock of all others, in milliseconds. */
const PAUSE_MS = 2000;

/**
 * Creates an audit log that appends to `codec_audit.entries`. All requests that wait are appended by one transaction,
 * under an advisory lock, so that any number of processes make one chain; each resolves after the commit, which waits
 * for the disk whatever the database's default is. A process that stands still in the middle of it loses its transaction after
 * 2 s, before others give up. An append that is not committed within `timeoutMs` rejects, also on a connection that went
 * silent: give the log a pool of its own whose `queryTimeoutMs` is no longer than that, which then discards the connection.
 * It needs SELECT and INSERT on the table, and no more.
 */
export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { pg, lockWaitMs = 3000, timeoutMs = 5000, onAppended } = options;
  let lastRequest = 0;
  const write = createBatchedWriter<PendingAppend>({
    keyOf: ({ request }) => String(request),
    maxBatch: MAX_BATCH,
    isTemporary: (error) => ['unavailable', 'timeout'].includes(classifyError(error)),
    writeMany: async (all) => {
      // Nobody waits for those any more, and during an outage they would be ever more.
      const now = performance.now();
      for (const one of all) one.isDropped = now >= one.expiresAt;
      const added = all.filter(({ isDropped }) => !isDropped).flatMap(({ entries }) => entries);
      if (added.length === 0) return;
      const head = await appendAll(pg, lockWaitMs, added);
      notify(onAppended, head);
    },
  });
  return {
    append: async (entries) => {
      const prepared = prepareEntries(entries);
      if (prepared.length === 0) return;
      try {
        const expiresAt = performance.now() + timeoutMs;
        const pending = { request: ++lastRequest, entries: prepared, expiresAt, isDropped: false };
        await withDeadline(timeoutMs, 'append to the audit log', () => write(pending));
        if (pending.isDropped)
          throw new DatabaseError('DATABASE_TIMEOUT', 'it waited for too long', { retryable: true });
      } catch (error) {
        throw new AuditError('AUDIT_UNAVAILABLE', 'The audit log could not be written.', {
          cause: toDatabaseError(error, 'append to the audit log'),
        });
      }
    },
  };
}

async function appendAll(
  pg: Pick<Postgres, 'sql'>,
  lockWaitMs: number,
  added: readonly AuditEntry[],
): Promise<ChainHead> {
  // Read committed, so that the head is read as it is once the lock is held. The first three travel together.
  return pg.sql.begin('isolation level read committed', async (tx) => {
    const [, , heads] = await Promise.all([
      tx`select set_config('lock_timeout', ${String(lockWaitMs)}, true),
                set_config('synchronous_commit', 'on', true),
                set_config('idle_in_transaction_session_timeout', ${String(PAUSE_MS)}, true)`,
      tx`select pg_advisory_xact_lock(hashtextextended('codec_audit.entries', 0))`,
      tx<HeadRow[]>`select sequence::text as sequence, hash from codec_audit.entries
                    order by entries.sequence desc limit 1`,
    ]);
    const [last] = heads;
    const head = last === undefined ? EMPTY_CHAIN : { sequence: Number(last.sequence), hash: last.hash };
    const chained = chainEntries(head, added);
    const rows = JSON.stringify(chained.map(toRow));
    await tx`
      insert into codec_audit.entries
             (sequence, at, request_id, subject, action, namespace, domain, key_id, count, outcome, reason,
              previous_hash, hash)
      select sequence, at, request_id, subject, action, namespace, domain, key_id, count, outcome, reason,
             decode(previous_hash, 'hex'), decode(hash, 'hex')
        from json_to_recordset(${rows}::text::json)
          as added (sequence bigint, at timestamptz, request_id text, subject text, action text, namespace text,
                    domain text, key_id text, count bigint, outcome text, reason text, previous_hash text, hash text)
       order by sequence`;
    return chained.at(-1) ?? head;
  });
}

interface HeadRow {
  readonly sequence: string;
  readonly hash: Uint8Array;
}

function toRow(entry: ChainedEntry): Readonly<Record<string, unknown>> {
  const { at, requestId, keyId, previousHash, hash, ...rest } = entry;
  return {
    ...rest,
    at: at.toISOString(),
    request_id: requestId,
    key_id: keyId,
    previous_hash: Buffer.from(previousHash).toString('hex'),
    hash: Buffer.from(hash).toString('hex'),
  };
}

/** What a listener throws must not turn a stored entry into one that is not. */
function notify(listener: AuditLogOptions['onAppended'], { sequence, hash }: ChainHead): void {
  try {
    listener?.({ sequence, hash });
  } catch {
    // The listener's own fault; the entry is stored.
  }
}
