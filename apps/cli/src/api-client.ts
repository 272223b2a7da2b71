import * as v from 'valibot';
import { problemSchema } from './api-schemas.ts';
import { CliError } from './errors.ts';

/** Where the API is and how to speak to it. */
export interface ApiOptions {
  readonly url: URL;
  /** Null: ask without one. */
  readonly key: string | null;
  /** Longest time for one answer, in milliseconds. */
  readonly timeoutMs: number;
}

/** An answer, checked and as it came. */
export interface ApiAnswer<T> {
  readonly value: T;
  readonly text: string;
}

/** Asks the Dispatch Center's API. Every failure is a `CliError` with one readable line. */
export interface Api {
  get<const TSchema extends v.GenericSchema>(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    schema: TSchema,
  ): Promise<ApiAnswer<v.InferOutput<TSchema>>>;
}

/** Makes a client of one API. */
export function createApi({ url, key, timeoutMs }: ApiOptions): Api {
  const base = url.href.endsWith('/') ? url.href : `${url.href}/`;
  return {
    async get(path, query, schema) {
      const address = new URL(path.replace(/^\//, ''), base);
      for (const [name, value] of Object.entries(query)) {
        if (value !== undefined) address.searchParams.set(name, value);
      }
      const { status, text } = await ask(address, { key, timeoutMs });
      if (status !== 200) throw refused(status, text, key !== null);
      const checked = v.safeParse(schema, parsed(text));
      if (!checked.success) {
        throw new CliError(
          'CLI_API_NOT_UNDERSTOOD',
          `${url.origin} answered something else than expected; is it a Dispatch Center of this version?`,
        );
      }
      return { value: checked.output, text };
    },
  };
}

async function ask(
  address: URL,
  { key, timeoutMs }: Pick<ApiOptions, 'key' | 'timeoutMs'>,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(address, {
      headers: {
        accept: 'application/json',
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      },
      // The key is for this address only.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const isTimeout = textIn(error, 'name') === 'TimeoutError';
    const what = isTimeout
      ? `did not answer within ${timeoutMs / 1000} s`
      : `cannot be reached${reasonOf(error)}`;
    throw new CliError('CLI_API_UNREACHABLE', `${address.origin} ${what}`, { retryable: true, cause: error });
  }
}

/** The system's word for it, such as ECONNREFUSED; it stands in the error or in what caused it. */
function reasonOf(error: unknown): string {
  for (let at = error; typeof at === 'object' && at !== null; at = 'cause' in at ? at.cause : undefined) {
    const [first]: readonly unknown[] = 'errors' in at && Array.isArray(at.errors) ? at.errors : [];
    const code = textIn(at, 'code') ?? textIn(first, 'code');
    if (code !== undefined) return ` (${code})`;
  }
  return '';
}

function textIn(value: unknown, key: string): string | undefined {
  const text: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return typeof text === 'string' ? text : undefined;
}

function refused(status: number, text: string, hasKey: boolean): CliError {
  const read = v.safeParse(problemSchema, parsed(text));
  const { code, detail, requestId, errors = [] } = read.success ? read.output : {};
  const marks = [String(status), code, requestId === undefined ? undefined : `request ${requestId}`];
  const mark = `(${marks.filter((each) => each !== undefined).join(', ')})`;
  if (status === 404 && code === 'DISPATCH_ALERT_UNKNOWN') {
    return new CliError('CLI_ALERT_UNKNOWN', 'nothing is known of this fingerprint');
  }
  if (status === 401) {
    const hint = hasKey ? '' : '; set HELIOGRAPH_API_KEY or use --api-key-file';
    return new CliError('CLI_API_REFUSED', `the API does not know the caller ${mark}${hint}`);
  }
  if (status === 403) {
    return new CliError(
      'CLI_API_REFUSED',
      `the key may not do this ${mark}; it needs the scope explain:read`,
    );
  }
  if (status === 400 || status === 422) {
    const [first] = errors;
    const why = first === undefined ? (detail ?? 'no reason given') : `${first.pointer}: ${first.detail}`;
    return new CliError('CLI_USAGE', `the API does not take this ${mark}: ${why}`);
  }
  const why = detail === undefined ? '' : `: ${detail}`;
  return status >= 500 || status === 429
    ? new CliError('CLI_API_FAILED', `the API failed ${mark}${why}`, { retryable: true })
    : new CliError('CLI_API_REFUSED', `the API refused ${mark}${why}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
