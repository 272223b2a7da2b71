/** Why a text is not a valid query. */
export type QueryErrorCode =
  | 'QUERY_TOO_LONG'
  | 'QUERY_TOO_COMPLEX'
  | 'QUERY_UNEXPECTED_END'
  | 'QUERY_UNEXPECTED_TOKEN'
  | 'QUERY_UNTERMINATED_QUOTE'
  | 'QUERY_FIELD_EXPECTED'
  | 'QUERY_VALUE_EXPECTED'
  | 'QUERY_NUMBER_EXPECTED'
  | 'QUERY_AMBIGUOUS';

/**
 * Thrown by `parseQuery` if a text is not a valid query.
 *
 * `position` is the offset of the first unexpected character, in UTF-16 code units from 0; it equals the length of the
 * text if more text was expected. The message quotes at most one token of the query, in each of the two forms that an
 * ambiguous one can take.
 */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly code: QueryErrorCode;
  readonly position: number;

  constructor(code: QueryErrorCode, position: number, message: string) {
    super(`the query does not parse at position ${position}: ${message}`);
    this.code = code;
    this.position = position;
  }
}
