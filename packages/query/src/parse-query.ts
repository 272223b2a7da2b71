import { QueryError } from './errors.ts';
import type { Query } from './query.ts';
import { tokenize, type Token } from './tokenize.ts';

/** The maximum length of a query text, in UTF-16 code units. */
export const MAX_QUERY_LENGTH = 4096;
/** The maximum number of terms in one query. */
export const MAX_QUERY_TERMS = 256;
/** The maximum nesting depth of parentheses and NOT. */
export const MAX_QUERY_DEPTH = 32;

/** How a query is parsed. */
export interface ParseOptions {
  /**
   * Refuses an unquoted value with a colon other than that of `://`: in `a:b:c`, the field may be meant to be `a` or `a:b`.
   * For queries that somebody writes now; queries that are stored were accepted before and mean the field `a`. Default
   * false.
   */
  readonly strict?: boolean;
}

/**
 * Parses a query text.
 *
 * Names of fields that are not made of letters, digits and `_ . / -` are quoted, whole or in part: `label."host name":x`.
 * `field:value` tests for equality and is case-sensitive. Quotes (`"…"`) allow spaces and parentheses in a value and make
 * `*` and `?` literal. Unquoted, `*` matches any sequence of characters and `?` matches one; `\` escapes the next
 * character. A value that starts with `~` ignores the case of A–Z. A value that starts with `>`, `>=`, `<` or `<=`, and
 * a range such as `[1 TO 5]`, compare decimal numbers. `field:(a OR b)` matches any of the values. `NOT` binds tighter
 * than `AND`, which binds tighter than `OR`; adjacent terms are joined by `AND`. `*` alone and the empty text match
 * everything. Keywords are uppercase.
 *
 * @throws {QueryError} with the position of the first unexpected character.
 */
export function parseQuery(text: string, { strict = false }: ParseOptions = {}): Query {
  if (text.length > MAX_QUERY_LENGTH) {
    throw new QueryError(
      'QUERY_TOO_LONG',
      MAX_QUERY_LENGTH,
      `expected at most ${MAX_QUERY_LENGTH} characters, found ${text.length}`,
    );
  }
  return new Parser(tokenize(text, strict), text.length).parse();
}

/** Stands for the token after the last one. */
interface End {
  readonly kind: 'end';
  readonly position: number;
}

/** A recursive descent parser. Its depth is bounded, so no input can exhaust the stack. */
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
    const query = this.#parseOr(0);
    const rest = this.#peek();
    if (rest.kind !== 'end') throw createUnexpectedTokenError(rest, 'AND, OR or the end of the query');
    return query;
  }

  #parseOr(depth: number): Query {
    const operands = [this.#parseAnd(depth)];
    while (this.#peek().kind === 'or') {
      this.#next++;
      operands.push(this.#parseAnd(depth));
    }
    return combineOperands('or', operands);
  }

  #parseAnd(depth: number): Query {
    const operands = [this.#parseNot(depth)];
    for (;;) {
      const { kind } = this.#peek();
      if (kind === 'and') this.#next++;
      else if (kind === 'or' || kind === 'close' || kind === 'end') return combineOperands('and', operands);
      operands.push(this.#parseNot(depth));
    }
  }

  #parseNot(depth: number): Query {
    const token = this.#take();
    if (depth > MAX_QUERY_DEPTH) {
      throw new QueryError(
        'QUERY_TOO_COMPLEX',
        token.position,
        `expected at most ${MAX_QUERY_DEPTH} levels of nesting`,
      );
    }
    switch (token.kind) {
      case 'not':
        return { kind: 'not', operand: this.#parseNot(depth + 1) };
      case 'open': {
        const inner = this.#parseOr(depth + 1);
        const close = this.#take();
        if (close.kind !== 'close') throw createUnexpectedTokenError(close, '")"');
        return inner;
      }
      case 'all':
        return { kind: 'all' };
      case 'term':
        this.#terms += token.alternatives.length;
        if (this.#terms > MAX_QUERY_TERMS) {
          throw new QueryError(
            'QUERY_TOO_COMPLEX',
            token.position,
            `expected at most ${MAX_QUERY_TERMS} terms`,
          );
        }
        return combineOperands('or', token.alternatives);
      case 'and':
      case 'or':
      case 'close':
      case 'end':
        throw createUnexpectedTokenError(token, 'field:value, NOT or "("');
    }
  }

  #peek(): Token | End {
    return this.#tokens[this.#next] ?? { kind: 'end', position: this.#length };
  }

  #take(): Token | End {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next++;
    return token;
  }
}

function combineOperands(kind: 'and' | 'or', operands: readonly Query[]): Query {
  const [first] = operands;
  return first !== undefined && operands.length === 1 ? first : { kind, operands };
}

const TOKEN_NAMES = {
  open: '"("',
  close: '")"',
  and: 'AND',
  or: 'OR',
  not: 'NOT',
  all: '*',
  end: 'the end of the query',
  term: 'a term',
};

function createUnexpectedTokenError(token: Token | End, expected: string): QueryError {
  return new QueryError(
    token.kind === 'end' ? 'QUERY_UNEXPECTED_END' : 'QUERY_UNEXPECTED_TOKEN',
    token.position,
    `expected ${expected}, found ${TOKEN_NAMES[token.kind]}`,
  );
}
