export { API_NAME, API_VERSION, codecOperations } from './operations.ts';
export { createCodecClient } from './client.ts';
export type { AnswerTo, CodecClient } from './client.ts';
export { ApiError } from '@heliograph/api-contract';
export type { ClientErrorCode, ClientOptions } from '@heliograph/api-contract';
export { AUDIT_ACTIONS, AUDIT_OUTCOMES, AUDIT_SCOPE, MAX_AUDIT_PAGE } from './audit-entries.ts';
export type { AuditEntryView } from './audit-entries.ts';
