export { TemporalSetupError } from '../errors.ts';
export type { TemporalErrorCode } from '../errors.ts';
export { assertServerVersion, connectClient, lazyClientConnection } from './connect.ts';
export type { ServiceConnection, TemporalAddress, TemporalTls } from './connect.ts';
export { createTemporalClient } from './create-client.ts';
export type { TemporalClientOptions } from './create-client.ts';
export { assertNamespace } from './namespace.ts';
export {
  assertSearchAttributes,
  checkSearchAttributeBudget,
  SEARCH_ATTRIBUTES,
  searchAttributeKeys,
} from './search-attributes.ts';
export type { TraceStart, TraceStarts } from './tracing-interceptor.ts';
