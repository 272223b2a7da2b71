export { AuditError, isAuditError } from './errors.ts';
export type { AuditErrorCode } from './errors.ts';
export type { AuditAction, AuditEntry, AuditLog, AuditOutcome } from './audit-entry.ts';
