export type { EarlyRefusal } from './refuse-early.ts';
export type { ByteHold, ByteLimits } from './byte-budget.ts';
export { systemClock, manualClock } from './clock.ts';
export type { Clock, ManualClock } from './clock.ts';
export { uuidV7Ids, sequentialIds } from './ids.ts';
export type { Ids } from './ids.ts';
export { Secret } from './secret.ts';
export { ConfigError, ServiceError } from './errors.ts';
export type { ConfigProblem, ServiceErrorCode } from './errors.ts';
export { loadConfig, unknownVariables } from './config.ts';
export type { ConfigSchema, Env } from './config.ts';
export { choice, durationMs, flag, integer, list, port, secret, text, url } from './config-fields.ts';
export type {
  ConfigField,
  FieldOptions,
  IntegerOptions,
  SecretOptions,
  TextOptions,
  UrlOptions,
} from './config-fields.ts';
export { LOG_LEVELS, createLogger } from './log.ts';
export type { LogLevel, Logger, LoggerOptions } from './log.ts';
export { startTelemetry } from './telemetry.ts';
export type { Telemetry, TelemetryOptions } from './telemetry.ts';
export { createEdge } from './edge.ts';
export type { Edge, EdgeOptions, Exchange } from './edge.ts';
export type { CorsPolicy } from './cors.ts';
export type { Reply, RouteDefinition, RouteInput } from './route.ts';
export { Problem, problem } from './problem.ts';
export type { ProblemExtras } from './problem.ts';
export { checkInput } from './check-input.ts';
export type { CheckedInput } from './check-input.ts';
export { hasScope } from './authenticator.ts';
export type {
  Authentication,
  Authenticator,
  ForbiddenReason,
  Principal,
  RefusalReason,
} from './authenticator.ts';
export { anyOf } from './any-of.ts';
export { createBearerAuth } from './bearer-auth.ts';
export type { BearerKey } from './bearer-auth.ts';
export { readBearerToken } from './bearer-token.ts';
export { createJwtAuth, principalIdOf } from './jwt-auth.ts';
export type { JwtAuthOptions } from './jwt-auth.ts';
export type { JwksOptions } from './jwks.ts';
export type { ClaimNames, JwtIdentity } from './jwt-claims.ts';
export type { ReadinessCheck } from './readiness.ts';
export { decodeCursor, encodeCursor, toPage } from './cursor.ts';
export type { Page } from './cursor.ts';
export { memoryIdempotencyStore } from './idempotency.ts';
export type {
  IdempotencyStart,
  IdempotencyStore,
  MemoryIdempotencyOptions,
  StoredResponse,
} from './idempotency.ts';
export { etagOf, noneMatch, requireMatch } from './etag.ts';
export { encodeSseEvent, sse } from './sse.ts';
export type { SseEvent, SseOptions, SseSink } from './sse.ts';
export { follow } from './follow.ts';
export type { Followed, FollowOptions } from './follow.ts';
export { listen } from './listen.ts';
export type { HttpServer, ListenOptions } from './listen.ts';
export type { TlsFiles } from './tls-files.ts';
export { processHost, runService } from './run-service.ts';
export type { ServiceContext, ServiceHost, ServiceOptions, ServicePart } from './run-service.ts';
