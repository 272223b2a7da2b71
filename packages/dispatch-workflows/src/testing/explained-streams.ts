import type { StreamReason } from '../explain/explanation.ts';
import type { ExplainFacts } from '../explain/facts.ts';
import type { LedgerEntry } from '../stores/index.ts';
import { entry, matched, NOON, seen } from './explain-facts.ts';
import { storedIssue } from './stored-issue.ts';

/** Facts about one stream, and what is said of it. */
export interface ExplainedStreamRow {
  readonly name: string;
  readonly facts: Partial<ExplainFacts>;
  readonly reason: StreamReason;
  readonly outcome: string;
  readonly summary: string;
  /** What else the explanation of the stream holds. */
  readonly also?: object;
}

/** That the issue was seen and matched. */
export const SIGNALLED: readonly LedgerEntry[] = [seen(), matched()];

/** The issue, over. */
export const OVER = storedIssue(NOON / 1000, { eventId: 'e1', status: 'resolved' });

/** Entries of a notification that was taken at once. */
export function delivered(parts: Partial<LedgerEntry> = {}): readonly LedgerEntry[] {
  return [
    ...SIGNALLED,
    entry('decided', parts),
    entry('attempted', { ...parts, attempt: 1, outcome: 'delivered', status: 200, durationMs: 53 }),
    entry('settled', { ...parts, at: NOON + 3000, outcome: 'delivered', externalId: 'x1' }),
  ];
}

/** Entries of a notification that was dropped. */
export function dropped(code: string, ...attempts: readonly LedgerEntry[]): readonly LedgerEntry[] {
  return [
    ...SIGNALLED,
    entry('decided'),
    ...attempts,
    entry('settled', { at: NOON + 3000, outcome: 'dropped', code }),
  ];
}

/** An attempt that was refused. */
export function refusal(attempt: number, parts: Partial<LedgerEntry> = {}): LedgerEntry {
  const answer = { outcome: 'refused', code: 'HTTP_STATUS', status: 503, durationMs: 9 } as const;
  return entry('attempted', { attempt, ...answer, ...parts });
}
