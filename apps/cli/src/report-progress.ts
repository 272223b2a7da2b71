import { printable } from './layout.ts';
import type { Terminal } from './terminal.ts';

/** Shows how far something is, on one line that is written again and again. */
export interface Progress {
  show(text: string): void;
  /** Removes the line. */
  end(): void;
}

const EVERY_MS = 200;

/** Reports on stderr where people look, and nothing otherwise. */
export function reportProgress(
  { isTty, err }: Pick<Terminal, 'isTty' | 'err'>,
  now: () => number = Date.now,
): Progress {
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show: (text) => {
      if (!isTty || now() - shownAt < EVERY_MS) return;
      shownAt = now();
      err(`\r\u001B[K${printable(text)}`);
    },
    end: () => {
      if (isTty && shownAt > Number.NEGATIVE_INFINITY) err('\r\u001B[K');
    },
  };
}
