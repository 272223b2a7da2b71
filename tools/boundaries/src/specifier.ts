import { isBuiltin } from 'node:module';

/** What a module specifier asks for. */
type Specifier =
  | { kind: 'relative' }
  | { kind: 'builtin' }
  | { kind: 'package'; name: string; /** The key in the exports map, `.` or `./…`. */ entry: string }
  | { kind: 'other' }; // an absolute path, a URL or a `#` import

/** Takes a specifier apart. */
export function parseSpecifier(text: string): Specifier {
  if (/^\.{1,2}(?:\/|$)/.test(text)) return { kind: 'relative' };
  if (isBuiltin(text) || text.startsWith('node:')) return { kind: 'builtin' };
  const match = /^(@[\w.~-]+\/[\w.~-]+|[\w~-][\w.~-]*)(\/.+)?$/.exec(text);
  if (match?.[1] === undefined) return { kind: 'other' };
  return { kind: 'package', name: match[1], entry: `.${match[2] ?? ''}` };
}
