export { AuditError, isAuditError } from './errors.ts';
export type { AuditErrorCode } from './errors.ts';
export { AUDIT_ACTIONS, AUDIT_OUTCOMES } from './audit-entry.ts';
export type {
  AuditAction,
  AuditEntry,
  AuditLog,
  AuditOutcome,
  ChainedEntry,
  ChainHead,
  VerifiableEntry,
} from './audit-entry.ts';
export { chainEntries, EMPTY_CHAIN, hashEntry } from './chain.ts';
export { encodeEntry } from './encode-entry.ts';
export type { EntryInPlace } from './encode-entry.ts';
export { FOLDED_REASON, prepareEntries } from './prepare-entries.ts';
export { findFault, verifyChain } from './verify-chain.ts';
export type { ChainFault, ChainReport, Checkpoint } from './verify-chain.ts';
