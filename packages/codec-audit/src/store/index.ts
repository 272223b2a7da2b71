export { createAuditLog } from './create-audit-log.ts';
export type { AuditLogOptions } from './create-audit-log.ts';
export { createAuditReader } from './create-audit-reader.ts';
export type { AuditFilter, AuditPage, AuditReader } from './create-audit-reader.ts';
export { migrateAudit } from './migrate.ts';
