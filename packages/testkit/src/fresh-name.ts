import { randomBytes } from 'node:crypto';

/** A name that no other suite has: lower-case letters, digits and `_`, at most 40 characters. */
export function freshName(label: string): string {
  const clean = label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_');
  return `t_${clean.slice(0, 24)}_${randomBytes(5).toString('hex')}`;
}
