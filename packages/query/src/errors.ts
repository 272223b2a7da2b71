/** Why a query text was refused. */
export type QueryErrorCode =
  | 'QUERY_TOO_LONG'
  | 'QUERY_TOO_COMPLEX'
  | 'QUERY_UNEXPECTED_END'
  | 'QUERY_UNEXPECTED_TOKEN'
  | 'QUERY_UNTERMINATED_QUOTE'
  | 'QUERY_FIELD_EXPECTED'
  | 'QUERY_VALUE_EXPECTED'
  | 'QUERY_NUMBER_EXPECTED';

/**
 * Thrown by `parseQuery` for a text that is not a query.
 *
 * `position` is the offset, in UTF-16 code units from 0, of the first character that does not fit; it equals
 * the text's length where more text was expected. The message never quotes more than one token.
 */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly code: QueryErrorCode;
  readonly position: number;

  constructor(code: QueryErrorCode, position: number, message: string) {
    super(`${message} (at position ${position})`);
    this.code = code;
    this.position = position;
  }
}
