import type { LastAttempt } from '../contract/delivery-order.ts';

/**
 * How many attempts a token remembers, so that it stays small; a claim that was given up before them counts as unknown when
 * it comes late. With the longest backoff between them they are more than an hour.
 */
const MAX_KNOWN = 64;
/** Marks an attempt that was refused; others were never sent. */
const REFUSED = '+';

/**
 * The token of a new attempt: its own name, and the names of those before it whose outcome its activity knows, newest
 * first; those that were refused with a `+`, the others sent nothing. A claim can thus tell what it repeats, what it
 * follows, and whether it comes too late. `name` must be unique and have neither dot nor `+`.
 */
export function tokenAfter(last: Pick<LastAttempt, 'token' | 'outcome'> | null, name: string): string {
  if (last === null) return name;
  const [latest = '', ...earlier] = last.token.split('.');
  const known = last.outcome === 'refused' ? `${latest}${REFUSED}` : latest;
  return [name, known, ...earlier].slice(0, MAX_KNOWN).join('.');
}

/** Whether `last` says what became of the attempt with this token; null is the token of an older release. */
export function isKnown(token: string | null, last: Pick<LastAttempt, 'token'> | null): boolean {
  if (token === null || last === null) return false;
  const [name = ''] = token.split('.');
  return last.token.split('.').some((known) => known === name || known === `${name}${REFUSED}`);
}
