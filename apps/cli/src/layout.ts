import type { Terminal } from './terminal.ts';

/** No line is longer than this, however wide the terminal is. */
const MAX_COLUMNS = 100;
const MIN_COLUMNS = 40;

/** How a piece of text looks where colours are allowed. */
export type Style = 'strong' | 'faint' | 'good' | 'bad' | 'waiting';

const CODES: Readonly<Record<Style, number>> = { strong: 1, faint: 2, good: 32, bad: 31, waiting: 33 };

/** Writes lines that fit into the terminal; what came from elsewhere cannot control it. */
export class Page {
  readonly #width: number;
  readonly #colours: boolean;
  readonly #lines: string[] = [];

  constructor({ env, isTty, columns = MAX_COLUMNS }: Pick<Terminal, 'env' | 'isTty' | 'columns'>) {
    this.#width = Math.max(MIN_COLUMNS, Math.min(MAX_COLUMNS, columns));
    this.#colours = isTty && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  }

  /** Adds a paragraph, wrapped; its further lines are indented like its first, or by `hanging` more. */
  add(
    text: string,
    {
      indent = 0,
      hanging = 0,
      style,
    }: { readonly indent?: number; readonly hanging?: number; readonly style?: Style | undefined } = {},
  ): this {
    const lines = wrapped(printable(text), this.#width - indent, hanging);
    for (const [index, line] of lines.entries()) {
      this.#lines.push(' '.repeat(indent + (index === 0 ? 0 : hanging)) + this.#styled(line, style));
    }
    return this;
  }

  /** Adds an empty line. */
  gap(): this {
    this.#lines.push('');
    return this;
  }

  /** Adds a table; columns are as wide as their widest cell, and what does not fit is wrapped as text. */
  table(rows: readonly (readonly string[])[], indent: number, style?: Style): this {
    const cells = rows.map((row) => row.map(printable));
    const widths: number[] = [];
    for (const row of cells) {
      for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, lengthOf(cell));
    }
    for (const row of cells) {
      const line = row
        .map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - lengthOf(cell)))
        .join('  ')
        .trimEnd();
      if (lengthOf(line) + indent <= this.#width) {
        this.#lines.push(' '.repeat(indent) + this.#styled(line, style));
      } else this.add(row.filter((cell) => cell !== '').join('  '), { indent, hanging: 2, style });
    }
    return this;
  }

  toString(): string {
    return this.#lines.map((line) => `${line}\n`).join('');
  }

  #styled(text: string, style: Style | undefined): string {
    return style === undefined || !this.#colours || text === ''
      ? text
      : `\x1b[${CODES[style]}m${text}\x1b[0m`;
  }
}

/** Takes out what a terminal would obey or show in another order. */
export function printable(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}

function wrapped(text: string, width: number, hanging: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  const room = (): number => width - (lines.length === 0 ? 0 : hanging);
  for (const word of text.split(' ')) {
    let rest = word;
    if (line !== '' && lengthOf(line) + 1 + lengthOf(rest) > room()) {
      lines.push(line);
      line = '';
    }
    while (lengthOf(rest) > room()) {
      const letters = Array.from(rest);
      lines.push(letters.slice(0, room()).join(''));
      rest = letters.slice(room()).join('');
    }
    line = line === '' ? rest : `${line} ${rest}`;
  }
  return [...lines, line];
}
