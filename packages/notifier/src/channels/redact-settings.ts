/** Stands for a query value that is not shown. */
export const REDACTED = 'REDACTED';

/** A URL, up to its query; the query; the rest. */
const URL_PARTS = /^([a-z][a-z\d+.-]*:\/\/[^?#]*)\?([^#]*)(#.*)?$/is;
/** A link template's own placeholder is no secret. */
const PLACEHOLDER = /^\{[A-Za-z]+\}$/;

/**
 * Copies settings so that they can be shown: in every URL, however deep, each query value is replaced by `REDACTED`,
 * because receivers take tokens there. A parameter without a value after `=` is one as a whole. All else stays as it is.
 */
export function redactSettings(settings: unknown): unknown {
  return mapStrings(settings, [], (text) => {
    const url = splitUrl(text);
    return url === null ? text : joinUrl(url, url.query.map(redactParameter));
  });
}

/**
 * Takes settings that may have been shown, and puts the stored query values back. A value is found by the name of its
 * parameter and, if the name occurs several times, by its order, and only in the same setting with the same URL before
 * the query: otherwise, whoever may change settings could have a hidden value sent elsewhere. `unknown` lists the paths of
 * the settings in which a `REDACTED` stands for no stored value.
 */
export function restoreSettings(
  settings: unknown,
  stored: unknown,
): { readonly settings: unknown; readonly unknown: readonly string[] } {
  const unknown: string[] = [];
  const restored = mapStrings(settings, [], (text, path) => {
    const url = splitUrl(text);
    if (url === null || !url.query.some((part) => isRedacted(part))) return text;
    const storedText = path.reduce<unknown>(readOwn, stored);
    const storedUrl = typeof storedText === 'string' ? splitUrl(storedText) : null;
    const source = storedUrl?.base === url.base ? storedUrl.query : [];
    const query = url.query.map((part, at) => {
      if (!isRedacted(part)) return part;
      const name = nameOf(part);
      const occurrence = url.query.slice(0, at).filter((earlier) => nameOf(earlier) === name).length;
      return source.filter((candidate) => nameOf(candidate) === name)[occurrence] ?? null;
    });
    if (query.every((part) => part !== null)) return joinUrl(url, query);
    unknown.push(path.join('.'));
    return text;
  });
  return { settings: restored, unknown };
}

interface SplitUrl {
  readonly base: string;
  readonly query: readonly string[];
  readonly rest: string;
}

function splitUrl(text: string): SplitUrl | null {
  const [, base, query, rest = ''] = URL_PARTS.exec(text.trim()) ?? [];
  return base === undefined || query === undefined ? null : { base, query: query.split('&'), rest };
}

function joinUrl({ base, rest }: SplitUrl, query: readonly string[]): string {
  return `${base}?${query.join('&')}${rest}`;
}

function redactParameter(part: string): string {
  const name = nameOf(part);
  const value = part.slice(name.length);
  return value === '' || PLACEHOLDER.test(value) ? part : name + REDACTED;
}

function isRedacted(part: string): boolean {
  return part.slice(nameOf(part).length) === REDACTED;
}

/** The name with its `=`. Empty where nothing follows it: the parameter may be a bare token, which Base64 ends with `=`. */
function nameOf(part: string): string {
  return /^[^=]*=(?==*[^=])/.exec(part)?.[0] ?? '';
}

function readOwn(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key);
}

function mapStrings(
  value: unknown,
  path: readonly string[],
  change: (text: string, path: readonly string[]) => string,
): unknown {
  if (typeof value === 'string') return change(value, path);
  if (Array.isArray(value))
    return value.map((item: unknown, at) => mapStrings(item, [...path, String(at)], change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]: [string, unknown]) => [
      name,
      mapStrings(item, [...path, name], change),
    ]),
  );
}
