import { expect, test } from '@jest/globals';
import { AuditError, isAuditError } from './errors.ts';

test('an audit log that cannot be written may be tried again; an invalid entry not', () => {
  expect(new AuditError('AUDIT_UNAVAILABLE', 'away').retryable).toBe(true);
  expect(new AuditError('AUDIT_ENTRY_INVALID', 'no count').retryable).toBe(false);
});

test('the guard tells an audit error by its shape', () => {
  expect(isAuditError(new AuditError('AUDIT_UNAVAILABLE', 'away'))).toBe(true);
  expect(isAuditError(Object.assign(new Error('x'), { code: 'AUDIT_UNAVAILABLE' }))).toBe(false);
});
