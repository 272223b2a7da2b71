import { QueryError } from './errors.ts';
import type { Query } from './query.ts';
import { tokenize, type Token } from './tokenize.ts';

/** Longest query text that is accepted, in UTF-16 code units. */
export const MAX_QUERY_LENGTH = 4096;
/** Most terms in one query. */
export const MAX_QUERY_TERMS = 256;
/** Deepest nesting of parentheses and NOT. */
export const MAX_QUERY_DEPTH = 32;

/**
 * Parses a query text.
 *
 * `field:value` compares exactly and case-sensitively; `"…"` quotes a value with spaces or parentheses and
 * makes `*` and `?` literal; unquoted, `*` stands for any run of characters and `?` for one; `\` takes the next
 * character literally. A value that begins with `~` ignores the case of A–Z; one that begins with `>`, `>=`, `<` or
 * `<=`, and `[1 TO 5]`, compare decimal numbers; `field:(a OR b)` is any of some values. `NOT` binds tighter than `AND`, which binds tighter than `OR`; two terms side by side
 * are joined by `AND`. `*` alone, and the empty text, match everything. Keywords are upper case.
 *
 * @throws {QueryError} with the position of the first character that does not fit.
 */
export function parseQuery(text: string): Query {
  if (text.length > MAX_QUERY_LENGTH) {
    throw new QueryError(
      'QUERY_TOO_LONG',
      MAX_QUERY_LENGTH,
      `a query has at most ${MAX_QUERY_LENGTH} characters, this one has ${text.length}`,
    );
  }
  return new Parser(tokenize(text), text.length).parse();
}

/** Recursive descent over the tokens; depth is bounded, so no input can exhaust the stack. */
class Parser {
  readonly #tokens: readonly Token[];
  readonly #length: number;
  #next = 0;
  #terms = 0;

  constructor(tokens: readonly Token[], length: number) {
    this.#tokens = tokens;
    this.#length = length;
  }

  parse(): Query {
    if (this.#peek().kind === 'end') return { kind: 'all' };
    const query = this.#or(0);
    const rest = this.#peek();
    if (rest.kind !== 'end') throw unexpected(rest, 'AND, OR or the end');
    return query;
  }

  #or(depth: number): Query {
    const operands = [this.#and(depth)];
    while (this.#peek().kind === 'or') {
      this.#next++;
      operands.push(this.#and(depth));
    }
    return joined('or', operands);
  }

  #and(depth: number): Query {
    const operands = [this.#not(depth)];
    for (;;) {
      const { kind } = this.#peek();
      if (kind === 'and') this.#next++;
      else if (kind === 'or' || kind === 'close' || kind === 'end') return joined('and', operands);
      operands.push(this.#not(depth));
    }
  }

  #not(depth: number): Query {
    const token = this.#take();
    if (depth > MAX_QUERY_DEPTH) {
      throw new QueryError(
        'QUERY_TOO_COMPLEX',
        token.position,
        `nested deeper than ${MAX_QUERY_DEPTH} levels`,
      );
    }
    switch (token.kind) {
      case 'not':
        return { kind: 'not', operand: this.#not(depth + 1) };
      case 'open': {
        const inner = this.#or(depth + 1);
        const close = this.#take();
        if (close.kind !== 'close') throw unexpected(close, '")"');
        return inner;
      }
      case 'all':
        return { kind: 'all' };
      case 'term':
        this.#terms += token.alternatives.length;
        if (this.#terms > MAX_QUERY_TERMS) {
          throw new QueryError('QUERY_TOO_COMPLEX', token.position, `more than ${MAX_QUERY_TERMS} terms`);
        }
        return joined('or', token.alternatives);
      case 'and':
      case 'or':
      case 'close':
      case 'end':
        throw unexpected(token, 'field:value, NOT or "("');
    }
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', position: this.#length };
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next++;
    return token;
  }
}

function joined(kind: 'and' | 'or', operands: readonly Query[]): Query {
  const [first] = operands;
  return first !== undefined && operands.length === 1 ? first : { kind, operands };
}

const SHOWN = {
  open: '"("',
  close: '")"',
  and: 'AND',
  or: 'OR',
  not: 'NOT',
  all: '*',
  end: 'the end',
  term: 'a term',
};

function unexpected(token: Token, wanted: string): QueryError {
  return new QueryError(
    token.kind === 'end' ? 'QUERY_UNEXPECTED_END' : 'QUERY_UNEXPECTED_TOKEN',
    token.position,
    `expected ${wanted}, found ${SHOWN[token.kind]}`,
  );
}
