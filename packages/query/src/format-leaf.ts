import type { Bound, Pattern, Range, Term } from './query.ts';

/** Formats a term or a range in its canonical form, in which no colon of a name or a value is ambiguous. */
export function formatLeaf(leaf: Term | Range): string {
  return `${formatField(leaf.field)}:${formatValue(leaf)}`;
}

/** Formats the name of a field. From the first part that the syntax does not allow as it is, the name is in quotes. */
export function formatField(field: string): string {
  if (/^[A-Za-z_][\w./-]*$/.test(field)) return field;
  const bare = /^[A-Za-z_][\w./-]*[.]/.exec(field)?.[0] ?? '';
  return bare + quote(field.slice(bare.length));
}

/** Formats what follows the colon of a term or a range. */
export function formatValue(leaf: Term | Range): string {
  if (leaf.kind === 'range') return formatRange(leaf);
  return leaf.ignoreCase === true ? `~${formatPattern(leaf.pattern)}` : formatPattern(leaf.pattern);
}

function formatRange({ low, high }: Range): string {
  if (low !== null && high === null) return `>${formatBound(low)}`;
  if (low === null && high !== null) return `<${formatBound(high)}`;
  const from = low === null ? '[*' : `${low.inclusive ? '[' : '{'}${low.value}`;
  return `${from} TO ${high === null ? '*]' : `${high.value}${high.inclusive ? ']' : '}'}`}`;
}

function formatBound({ value, inclusive }: Bound): string {
  return `${inclusive ? '=' : ''}${value}`;
}

function formatPattern(pattern: Pattern): string {
  const [only] = pattern;
  if (only === undefined) return quote('');
  if (pattern.length === 1 && only.kind === 'literal') return quote(only.text);
  return pattern
    .map((part, index) => {
      if (part.kind === 'any-run') return '*';
      if (part.kind === 'any-one') return '?';
      const text = part.text.replaceAll(/[\s()"*?\\:]/g, String.raw`\$&`);
      return index === 0 ? text.replace(/^[<>~]/, String.raw`\$&`) : text;
    })
    .join('');
}

function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
