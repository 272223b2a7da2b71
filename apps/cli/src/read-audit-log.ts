import type { AnswerTo, CodecClient } from '@heliograph/codec-api';
import type { VerifiableEntry } from '@heliograph/codec-audit';
import { CliError } from './errors.ts';

/** An entry as the codec server gives it. */
export type EntryView = AnswerTo<'listAuditEntries'>['body']['items'][number];
type Query = NonNullable<Parameters<CodecClient['listAuditEntries']>[0]>['query'];

const PAGE_SIZE = 1000;

/** Reads pages of the audit log, one at a time, until there are none or the caller has enough. */
export async function* readAuditLog(client: CodecClient, query: Query): AsyncGenerator<EntryView> {
  let cursor: string | null = null;
  for (;;) {
    const { body }: { readonly body: AnswerTo<'listAuditEntries'>['body'] } = await client.listAuditEntries({
      query: { limit: PAGE_SIZE, ...query, ...(cursor === null ? {} : { cursor }) },
    });
    yield* body.items;
    if (body.nextCursor === null) return;
    // A cursor that stays the same would never end.
    if (body.nextCursor === cursor)
      throw new CliError('CLI_API_NOT_UNDERSTOOD', 'the API returned the same page twice');
    cursor = body.nextCursor;
  }
}

/** The chain, from its first entry on, as its hashes were made of it: nothing that the server says about it is believed. */
export async function* readChain(
  client: CodecClient,
  onEntry: (sequence: number) => void,
): AsyncGenerator<VerifiableEntry> {
  for await (const view of readAuditLog(client, { order: 'oldest' })) {
    onEntry(view.sequence);
    const { at, previousHash, hash, ...entry } = view;
    yield {
      ...entry,
      at: instantOf(at),
      previousHash: Buffer.from(previousHash, 'hex'),
      hash: Buffer.from(hash, 'hex'),
    };
  }
}

/** Another spelling of the same instant is not what was stored; an invalid date is no entry's. */
function instantOf(text: string): Date {
  const at = new Date(text);
  return !Number.isNaN(at.getTime()) && at.toISOString() === text ? at : new Date(Number.NaN);
}
