import type { ChainReport } from '@heliograph/codec-audit';
import { Page } from './layout.ts';
import type { EntryView } from './read-audit-log.ts';
import type { Terminal } from './terminal.ts';

type Surroundings = Pick<Terminal, 'env' | 'isTty' | 'columns'>;

/** Lays out entries of the audit log, one a line. */
export function renderEntries(
  entries: readonly EntryView[],
  hasMore: boolean,
  terminal: Surroundings,
): string {
  const page = new Page(terminal);
  if (entries.length === 0) return page.add('No entry of the audit log matches.').toString();
  page.table(
    entries.map((entry) => [
      entry.at,
      `#${entry.sequence}`,
      entry.subject ?? '-',
      entry.action,
      entry.outcome,
      entry.namespace === null ? '-' : `${entry.namespace}/${entry.domain ?? '-'}`,
      entry.keyId ?? '-',
      `${entry.count} ${entry.count === 1 ? 'payload' : 'payloads'}`,
      entry.reason ?? '',
    ]),
    0,
  );
  if (hasMore) page.gap().add('There are more. Raise --limit to list them.', { style: 'faint' });
  return page.toString();
}

const FAULTS: Readonly<Record<(ChainReport & { readonly kind: 'broken' })['fault'], string>> = {
  changed: 'it was changed',
  unlinked: 'it does not follow from the entry before it, which was replaced, or it was inserted',
  missing: 'entries before it are missing',
  reordered: 'it is out of order',
  rewritten: 'it is not the entry of the checkpoint: the log was rewritten',
  truncated: 'it is missing, although the checkpoint has it: the end of the log was removed',
};

/** One sentence about a chain that is broken. */
export function describeFault({ fault, sequence, head }: ChainReport & { readonly kind: 'broken' }): string {
  return `the audit log is not intact: entry ${sequence}: ${FAULTS[fault]}; ${head.sequence} entries before that are in order`;
}
