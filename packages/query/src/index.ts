export { QueryError } from './errors.ts';
export type { QueryErrorCode } from './errors.ts';
export { fieldsOf } from './query.ts';
export type { Pattern, PatternPart, Query } from './query.ts';
export { MAX_QUERY_DEPTH, MAX_QUERY_LENGTH, MAX_QUERY_TERMS, parseQuery } from './parse-query.ts';
export { matchPattern, matchQuery } from './match-query.ts';
export type { FieldLookup } from './match-query.ts';
export { formatQuery } from './format-query.ts';
