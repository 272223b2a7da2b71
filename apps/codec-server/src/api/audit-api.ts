import { type AuditEntryView, codecOperations } from '@heliograph/codec-api';
import { type ChainedEntry, isAuditError } from '@heliograph/codec-audit';
import type { AuditReader } from '@heliograph/codec-audit/store';
import { decodeCursor, type Edge, problem, toPage } from '@heliograph/service';
import * as v from 'valibot';
import { type AuditTrail, NOTHING } from '../audit-trail.ts';

/** A place in the list: the number of its last entry. */
const place = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/**
 * `GET /api/v1/audit/entries`: who asked for which payloads, and the chain for those who verify it. Who read how many entries
 * is on the record itself.
 */
export function addAuditApi(
  edge: Edge,
  { reader, trail }: { readonly reader: Pick<AuditReader, 'list'>; readonly trail: AuditTrail },
): void {
  edge.route({
    ...codecOperations.listAuditEntries,
    handler: async ({ context, query: { limit, cursor, order, from, to, ...filter } }) => {
      const after = cursor === undefined ? undefined : decodeCursor(place, cursor);
      const entries = await reader
        .list({ ...filter, from: instantOf(from), to: instantOf(to) }, { order, after, limit: limit + 1 })
        .catch(refuse);
      const { items, nextCursor } = toPage(entries, limit, ({ sequence }) => sequence);
      trail.note(context, [{ ...NOTHING, count: items.length, outcome: 'allowed', reason: null }]);
      return { status: 200, body: { items: items.map(presentEntry), nextCursor } };
    },
  });
}

function presentEntry({ at, previousHash, hash, ...entry }: ChainedEntry): AuditEntryView {
  return { ...entry, at: at.toISOString(), previousHash: toHex(previousHash), hash: toHex(hash) };
}

function instantOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function refuse(error: unknown): never {
  if (!isAuditError(error)) throw error;
  throw problem(503, 'AUDIT_UNAVAILABLE', 'The audit log cannot be read. Try again later.', {
    retryAfterSeconds: 5,
  });
}
