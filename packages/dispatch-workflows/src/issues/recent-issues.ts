import type { ScanCursor } from '../contract/scan-state.ts';
import type { StoredIssue } from './issue.ts';

/** Rows that this process read recently, bounded by number and by size. Rows never change, so none is ever stale. */
export interface RecentIssues {
  add(issues: readonly StoredIssue[]): void;
  /** The row, or undefined if it was not read here or is forgotten. */
  get(key: ScanCursor): StoredIssue | undefined;
}

/** Remembers at most `maxIssues` (default 5 000) and `maxCharacters` of labels and annotations (default 16 million). */
export function createRecentIssues(
  options: { readonly maxIssues?: number; readonly maxCharacters?: number } = {},
): RecentIssues {
  const { maxIssues = 5000, maxCharacters = 16_000_000 } = options;
  const known = new Map<string, { readonly issue: StoredIssue; readonly characters: number }>();
  let characters = 0;
  const forget = (key: string): void => {
    characters -= known.get(key)?.characters ?? 0;
    known.delete(key);
  };
  return {
    add(issues) {
      for (const issue of issues) {
        const key = keyOf(issue);
        forget(key);
        const size = sizeOf(issue);
        known.set(key, { issue, characters: size });
        characters += size;
      }
      // A map keeps the order of insertion: the first is the oldest.
      for (const key of known.keys()) {
        if (known.size <= maxIssues && characters <= maxCharacters) return;
        forget(key);
      }
    },
    get: (key) => known.get(keyOf(key))?.issue,
  };
}

function keyOf({ position, eventId }: ScanCursor): string {
  return `${position}:${eventId}`;
}

function sizeOf({ labels, annotations }: StoredIssue): number {
  let size = 256;
  for (const record of [labels, annotations]) {
    for (const [name, value] of Object.entries(record)) size += name.length + value.length;
  }
  return size;
}
