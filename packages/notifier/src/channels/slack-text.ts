/** Stands for what was cut off, and counts towards the limit. */
const ELLIPSIS = '…';
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * Makes text from outside safe to put into Slack's markup, on one line: `&`, `<` and `>` are escaped, so nothing in it
 * can be a link, a date or a mention such as `<!channel>`; control characters become spaces and marks that turn the
 * direction of writing are left out. At most `limit` UTF-16 units, escapes counted; cut between code points and never
 * inside an escape. A dash where nothing is left.
 */
export function slackLine(text: string, limit: number): string {
  return cutEscaped(wellFormed(text).replaceAll(/[\s\p{Control}]+/gu, ' '), limit);
}

/**
 * The same as `slackLine` for text of several lines: line ends stay, at most one empty line
 * in a row; other runs of white space become one space.
 */
export function slackLines(text: string, limit: number): string {
  const lines = wellFormed(text)
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/(?:[^\S\n]|[^\P{Control}\n])+/gu, ' ')
    .replaceAll(/ ?\n ?/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n');
  return cutEscaped(lines, limit);
}

/** A link with a fixed label, or null where the address is not plain http or https or is longer than `limit`. */
export function slackLink(address: string, label: string, limit: number): string | null {
  // A URL drops these silently, and an endless one need not be read.
  if (address.length > limit || /[\s\p{Control}\p{Surrogate}]/u.test(address)) return null;
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '') {
    return null;
  }
  // A bar would end the address, and what follows would be read as its label.
  const link = `<${escaped(url.href.replaceAll('|', '%7C'))}|${label}>`;
  return link.length <= limit ? link : null;
}

/** An instant in each reader's own time zone, in UTC where a client cannot show that; milliseconds since the epoch. */
export function slackTime(at: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return 'at an unknown time';
  const utc = `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  return at < 0 ? utc : `<!date^${Math.floor(at / 1000)}^{date_short_pretty} {time_secs}|${utc}>`;
}

function wellFormed(text: string): string {
  return text
    .replaceAll(/\p{Surrogate}/gu, '\uFFFD')
    .replaceAll(/[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g, '');
}

function cutEscaped(text: string, limit: number): string {
  const trimmed = text.trim();
  if (trimmed === '') return '—';
  let kept = '';
  /** What is kept if the text turns out to be too long. */
  let keptIfCut = '';
  for (const character of trimmed) {
    kept += ESCAPES[character] ?? character;
    if (kept.length > limit) return keptIfCut.trimEnd() + ELLIPSIS;
    if (kept.length <= limit - ELLIPSIS.length) keptIfCut = kept;
  }
  return kept;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>]/g, (character) => ESCAPES[character] ?? character);
}
