import { isBuiltin } from 'node:module';

/**
 * What a module specifier asks for.
 *
 * @typedef {{ kind: 'relative' }
 *   | { kind: 'builtin' }
 *   | { kind: 'package', name: string, entry: string }
 *   | { kind: 'other' }} Specifier
 *   `entry` is the key in the exports map, `.` or `./…`; `other` is an absolute path, a URL or a `#` import
 */

/**
 * Takes a specifier apart.
 * @param {string} text
 * @returns {Specifier}
 */
export function parseSpecifier(text) {
  if (/^\.{1,2}(?:\/|$)/.test(text)) return { kind: 'relative' };
  if (isBuiltin(text) || text.startsWith('node:')) return { kind: 'builtin' };
  const match = /^(@[\w.~-]+\/[\w.~-]+|[\w~-][\w.~-]*)(\/.+)?$/.exec(text);
  if (match?.[1] === undefined) return { kind: 'other' };
  return { kind: 'package', name: match[1], entry: `.${match[2] ?? ''}` };
}
