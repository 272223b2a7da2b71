export { TemporalSetupError } from '../errors.ts';
export type { TemporalErrorCode } from '../errors.ts';
export { assertServerVersion, connectClient, lazyClientConnection } from './connect.ts';
export type { ServiceConnection, TemporalAddress } from './connect.ts';
export { createTemporalClient } from './create-client.ts';
export type { TemporalClientOptions } from './create-client.ts';
export { chooseProxy } from './http-proxy.ts';
export type { HttpProxy } from './http-proxy.ts';
export { assertNamespace } from './namespace.ts';
export { replaceableConnection } from './replaceable-connection.ts';
export type { ReplaceableConnection } from './replaceable-connection.ts';
export {
  assertSearchAttributes,
  checkSearchAttributeBudget,
  SEARCH_ATTRIBUTES,
  searchAttributeKeys,
} from './search-attributes.ts';
export { checkTlsMaterial } from './tls-material.ts';
export type { TemporalTls } from './tls-material.ts';
export type { TraceStart, TraceStarts } from './tracing-interceptor.ts';
