/**
 * What the front has to know about a statement before the engine parses it. Everything here reads a mask of the
 * text, in which literals and comments are blank, so that a word or a semicolon inside them never counts.
 */

/** Blanks string literals, quoted identifiers, heredocs and comments; length and positions stay. */
export function maskLiterals(sql: string): string {
  return sql.replaceAll(
    /'(?:[^'\\]|\\[^]|'')*'?|"(?:[^"\\]|\\[^]|"")*"?|`(?:[^`\\]|\\[^]|``)*`?|--[^\n]*|#[ !][^\n]*|\/\*[^]*?(?:\*\/|$)|\$(\w*)\$[^]*?(?:\$\1\$|$)/g,
    (text) =>
      (text.startsWith('--') || text.startsWith('/*') || text.startsWith('#') ? ' ' : '_').repeat(
        text.length,
      ),
  );
}

/** Says whether a text is one statement. The engine would run every statement of a text; the server runs one. */
export function isSingleStatement(sql: string): boolean {
  const mask = maskLiterals(sql);
  const inline = inlineDataAt(mask);
  const statement = inline === undefined ? mask : mask.slice(0, inline);
  return /^[^;]*[;\s]*$/.test(statement);
}

/** Finds where the data begins in `INSERT … FORMAT X data`; `undefined` in any other statement. */
function inlineDataAt(mask: string): number | undefined {
  const match = /^\s*insert\s[^;]*?\bformat\s+\w+(?=\s+[^\s;])/i.exec(mask);
  return match === null ? undefined : match[0].length;
}

/** Says whether a statement reads rows, and so may be answered while it runs. */
export function isRead(sql: string): boolean {
  return /^[\s(]*(?:select|with)\b/i.test(maskLiterals(sql));
}

/** Finds the format that a statement asks for itself. */
export function formatOf(sql: string): string | undefined {
  return trailingFormat(sql)?.format;
}

/** Takes the FORMAT clause and a final semicolon off a statement; a SETTINGS clause stays. */
export function withoutFormat(sql: string): string {
  const found = trailingFormat(sql);
  const end = maskLiterals(sql).replace(/[;\s]*$/, '').length;
  if (found === undefined) return sql.slice(0, end);
  return sql.slice(0, found.from) + sql.slice(found.to, Math.max(found.to, end));
}

function trailingFormat(sql: string) {
  const match = /\bformat\s+(\w+)(?=\s*(?:settings\b[^;]*)?[;\s]*$)/i.exec(maskLiterals(sql));
  if (match?.[1] === undefined) return undefined;
  return { format: match[1], from: match.index, to: match.index + match[0].length };
}

/** Says whether a statement is an INSERT whose data follows it in the body. */
export function isInsertOfBody(sql: string): boolean {
  return INSERT_OF_BODY.test(maskLiterals(sql));
}

const INSERT_OF_BODY = /^(\s*insert\s[^;]*?)(\s+settings\s[^;]*?)?\s+format\s+(\w+)[;\s]*$/i;

/** Rewrites an INSERT whose data follows in the body so that it reads the data from a file. */
export function insertFromFile(sql: string, file: string): string {
  const match = INSERT_OF_BODY.exec(maskLiterals(sql));
  if (match === null) throw new TypeError('not an INSERT of the body');
  const [, target = '', settings = '', format = ''] = match;
  const clause = sql.slice(target.length, target.length + settings.length);
  return `${sql.slice(0, target.length)} FROM INFILE ${quoteText(file)} COMPRESSION 'none'${clause} FORMAT ${format}`;
}

/** Quotes a text as a literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}

/** Quotes an identifier. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll(/[\\`]/g, String.raw`\$&`)}\``;
}
