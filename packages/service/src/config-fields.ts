import * as v from 'valibot';
import { Secret } from './secret.ts';

/** One environment variable: text or nothing comes in, a typed value goes out. */
export type ConfigField<T> = v.GenericSchema<string | undefined, T>;

/** Describes a field. Only `printable` fields may show a wrong value in an error. */
export interface ConfigFieldInfo {
  readonly expects: string;
  readonly printable: boolean;
  readonly secret: boolean;
}

/** A field without these is required; `optional` gives undefined when the variable is absent or empty. */
export interface FieldOptions<T> {
  readonly default?: T;
  readonly optional?: boolean;
}

type Optional<T> = FieldOptions<T> & { readonly optional: true };
type Parsed<T> = { readonly value: T } | undefined;

const INFO = new WeakMap<object, ConfigFieldInfo>();

/** Returns what the field was declared to expect, or undefined for a schema that is not one of our fields. */
export function fieldInfo(schema: object): ConfigFieldInfo | undefined {
  return INFO.get(schema);
}

function field<T>(
  info: ConfigFieldInfo,
  options: FieldOptions<T>,
  parse: (text: string) => Parsed<T>,
): ConfigField<T> {
  const schema = v.pipe(
    v.optional(v.string()),
    v.rawTransform<string | undefined, T>(({ dataset, addIssue, NEVER }) => {
      if (dataset.value === undefined) {
        if (options.default !== undefined) return options.default;
        // The overloads of the public fields give T an undefined exactly when `optional` is set.
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion
        if (options.optional === true) return undefined as T;
        addIssue({ message: `is not set; expected ${info.expects}` });
        return NEVER;
      }
      const parsed = parse(dataset.value);
      if (parsed !== undefined) return parsed.value;
      const got = info.printable ? `, got "${dataset.value.slice(0, 60)}"` : '';
      addIssue({ message: `expected ${info.expects}${got}` });
      return NEVER;
    }),
  );
  INFO.set(schema, info);
  return schema;
}

/** Text of 1 to `maxLength` (default 4,096) characters, matching `pattern` when one is given; never printed in errors. */
export function text(options: TextOptions & Optional<string>): ConfigField<string | undefined>;
export function text(options?: TextOptions): ConfigField<string>;
export function text(options: TextOptions = {}): ConfigField<string | undefined> {
  const { pattern, maxLength = 4096 } = options;
  const expects = options.expects ?? (pattern === undefined ? 'text' : `text that matches ${pattern.source}`);
  return field({ expects, printable: false, secret: false }, options, (value) =>
    value.length <= maxLength && (pattern === undefined || pattern.test(value)) ? { value } : undefined,
  );
}

/** Options of {@link text}. */
export interface TextOptions extends FieldOptions<string> {
  readonly pattern?: RegExp;
  readonly maxLength?: number;
  /** How an error names what is expected, for example "a database name". */
  readonly expects?: string;
}

/** Options of {@link integer}; both ends are included. */
export interface IntegerOptions extends FieldOptions<number> {
  readonly min?: number;
  readonly max?: number;
}

/** A whole number from `min` (default 0) to `max` (default 2^53 - 1). */
export function integer(options: IntegerOptions & Optional<number>): ConfigField<number | undefined>;
export function integer(options?: IntegerOptions): ConfigField<number>;
export function integer(options: IntegerOptions = {}): ConfigField<number | undefined> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return field({ expects: `a whole number ${range}`, printable: true, secret: false }, options, (value) => {
    const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max && Number.isSafeInteger(number) ? { value: number } : undefined;
  });
}

/** A TCP port from 0 to 65535; 0 lets the system choose a free one. */
export function port(options: FieldOptions<number> = {}): ConfigField<number> {
  return field({ expects: 'a port from 0 to 65535', printable: true, secret: false }, options, (value) =>
    /^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? { value: Number(value) } : undefined,
  );
}

const UNIT_MS: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration in milliseconds, written `250ms`, `10s`, `5m`, `2h`, `1d` or as plain milliseconds. */
export function durationMs(options: IntegerOptions & Optional<number>): ConfigField<number | undefined>;
export function durationMs(options?: IntegerOptions): ConfigField<number>;
export function durationMs(options: IntegerOptions = {}): ConfigField<number | undefined> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  const range =
    max === Number.MAX_SAFE_INTEGER
      ? min === 0
        ? ''
        : ` of at least ${min} ms`
      : ` from ${min} to ${max} ms`;
  const expects = `a duration such as 250ms, 10s or 5m${range}`;
  return field({ expects, printable: true, secret: false }, options, (value) => {
    const match = /^(\d{1,12})(ms|s|m|h|d|)$/.exec(value);
    const duration = match === null ? Number.NaN : Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? Number.NaN);
    return duration >= min && duration <= max ? { value: duration } : undefined;
  });
}

/** `true`/`false`, `1`/`0`, `yes`/`no` or `on`/`off`, in any case. */
export function flag(options: FieldOptions<boolean> = {}): ConfigField<boolean> {
  return field({ expects: 'true or false', printable: true, secret: false }, options, (value) => {
    if (/^(true|1|yes|on)$/i.test(value)) return { value: true };
    return /^(false|0|no|off)$/i.test(value) ? { value: false } : undefined;
  });
}

/** One of the given words. */
export function choice<const T extends string>(
  words: readonly T[],
  options: Optional<NoInfer<T>>,
): ConfigField<T | undefined>;
export function choice<const T extends string>(
  words: readonly T[],
  options?: FieldOptions<NoInfer<T>>,
): ConfigField<T>;
export function choice<const T extends string>(
  words: readonly T[],
  options: FieldOptions<NoInfer<T>> = {},
): ConfigField<T | undefined> {
  return field(
    { expects: `one of ${words.join(', ')}`, printable: true, secret: false },
    options,
    (value) => {
      const word = words.find((candidate) => candidate === value);
      return word === undefined ? undefined : { value: word };
    },
  );
}

/** Options of {@link url}. */
export interface UrlOptions extends FieldOptions<string> {
  /** Allowed schemes without the colon; default `http` and `https`. */
  readonly schemes?: readonly string[];
}

/** An absolute URL as text; it may hold a password, so errors never print it. */
export function url(options: UrlOptions & Optional<string>): ConfigField<string | undefined>;
export function url(options?: UrlOptions): ConfigField<string>;
export function url(options: UrlOptions = {}): ConfigField<string | undefined> {
  const schemes = options.schemes ?? ['http', 'https'];
  const expects = `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return field({ expects, printable: false, secret: false }, options, (value) =>
    URL.canParse(value) && schemes.includes(new URL(value).protocol.slice(0, -1)) ? { value } : undefined,
  );
}

/** Options of {@link secret}. */
export interface SecretOptions extends FieldOptions<Secret> {
  readonly minLength?: number;
  /** How an error names what is expected, for example "a key ring like k1:<43 characters>". */
  readonly expects?: string;
  /** Refuses a value of the wrong form at start. */
  readonly accepts?: (value: string) => boolean;
}

/** A secret of at least `minLength` (default 1) characters, wrapped so that it cannot be printed by accident. */
export function secret(options: SecretOptions & Optional<Secret>): ConfigField<Secret | undefined>;
export function secret(options?: SecretOptions): ConfigField<Secret>;
export function secret(options: SecretOptions = {}): ConfigField<Secret | undefined> {
  const { minLength = 1, accepts = () => true } = options;
  const expects =
    options.expects ?? (minLength > 1 ? `a secret of at least ${minLength} characters` : 'a secret');
  return field({ expects, printable: false, secret: true }, options, (value) =>
    value.length >= minLength && accepts(value) ? { value: new Secret(value) } : undefined,
  );
}

/** A comma-separated list; blanks around items and empty items are dropped. At most `maxItems` (default 1,000). */
export function list(
  options: FieldOptions<readonly string[]> & { readonly maxItems?: number } = {},
): ConfigField<readonly string[]> {
  const { maxItems = 1000 } = options;
  return field({ expects: 'a comma-separated list', printable: false, secret: false }, options, (value) => {
    const items = value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
    return items.length <= maxItems ? { value: items } : undefined;
  });
}
