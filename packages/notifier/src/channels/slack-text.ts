/** Marks truncated text and counts towards the limit. */
const ELLIPSIS = '…';
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * Formats untrusted text as one line of a `plain_text` object. It must never become markup, which has no escapes for
 * `*`, `_`, `~`, backticks and `:wave:`. `&`, `<` and `>` are escaped, so the text cannot contain a link, a date or a
 * mention such as `<!channel>` even where Slack parses it. Control characters become spaces, and Unicode bidirectional
 * controls are removed. The result has at most `limit` UTF-16 units, including escapes, and is truncated between code
 * points, never inside an escape. Text that is empty becomes a dash.
 */
export function formatSlackLine(text: string, limit: number): string {
  return escapeAndTruncate(stripUnsafeCharacters(text).replaceAll(/[\s\p{Control}]+/gu, ' '), limit);
}

/**
 * Formats untrusted text like `formatSlackLine`, but keeps its line breaks, with at most one empty line in a row. Other
 * white space is collapsed to single spaces.
 */
export function formatSlackLines(text: string, limit: number): string {
  const lines = stripUnsafeCharacters(text)
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/(?:[^\S\n]|[^\P{Control}\n])+/gu, ' ')
    .replaceAll(/ ?\n ?/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n');
  return escapeAndTruncate(lines, limit);
}

/** Formats a link. Null unless `address` is an http or https URL without credentials and the link fits `limit`. */
export function formatSlackLink(address: string, label: string, limit: number): string | null {
  // URL silently drops these characters, and there is no need to parse a URL that is too long.
  if (address.length > limit || /[\s\p{Control}\p{Surrogate}]/u.test(address)) return null;
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '') {
    return null;
  }
  // A vertical bar would end the URL, and Slack would show the rest as the label.
  const link = `<${escapeMarkup(url.href.replaceAll('|', '%7C'))}|${label}>`;
  return link.length <= limit ? link : null;
}

/** Formats a timestamp (milliseconds since the epoch) in the reader's time zone; in UTC if the client cannot. */
export function formatSlackTime(at: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return 'at an unknown time';
  const utc = `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  return at < 0 ? utc : `<!date^${Math.floor(at / 1000)}^{date_short_pretty} {time_secs}|${utc}>`;
}

function stripUnsafeCharacters(text: string): string {
  return text
    .replaceAll(/\p{Surrogate}/gu, '\uFFFD')
    .replaceAll(/[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g, '');
}

function escapeAndTruncate(text: string, limit: number): string {
  const trimmed = text.trim();
  if (trimmed === '') return '—';
  let kept = '';
  /** The longest prefix that leaves room for the ellipsis. */
  let keptIfCut = '';
  for (const character of trimmed) {
    kept += ESCAPES[character] ?? character;
    if (kept.length > limit) return keptIfCut.trimEnd() + ELLIPSIS;
    if (kept.length <= limit - ELLIPSIS.length) keptIfCut = kept;
  }
  return kept;
}

function escapeMarkup(text: string): string {
  return text.replaceAll(/[&<>]/g, (character) => ESCAPES[character] ?? character);
}
