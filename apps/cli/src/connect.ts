import type { ApiError } from '@heliograph/dispatch-api';
import type { Api } from './api.ts';
import { CliError } from './errors.ts';

/** Where the API is and how to speak to it. */
export interface ApiOptions {
  readonly url: URL;
  /** Null: ask without one. */
  readonly key: string | null;
  /** Longest time for one answer, in milliseconds. */
  readonly timeoutMs: number;
}

/** An API, and how it is asked. */
export interface Question<TClient> {
  readonly api: Api<TClient>;
  readonly options: ApiOptions;
  /** What the key has to allow. */
  readonly scope: string;
}

/**
 * Asks an API, each request once: whoever typed the command decides whether to try again.
 *
 * @throws {CliError} for every failure, with one readable line
 */
export async function askApi<TClient, T>(
  question: Question<TClient>,
  ask: (client: TClient) => Promise<T>,
): Promise<T> {
  const { url, key, timeoutMs } = question.options;
  const client = question.api.createClient({ url, apiKey: key, timeoutMs, maxAttempts: 1 });
  try {
    return await ask(client);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ApiError') throw error;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- by its name, because copies of a class differ
    throw toCliError(error as ApiError, question);
  }
}

function toCliError<TClient>(error: ApiError, { api, options, scope }: Question<TClient>): CliError {
  const { url, key, timeoutMs } = options;
  const { code, status, requestId, detail, errors, retryable } = error;
  const fail = (cliCode: CliError['code'], message: string): CliError =>
    new CliError(cliCode, message, { retryable, cause: error });
  switch (code) {
    case 'API_TIMEOUT':
      return fail('CLI_API_UNREACHABLE', `${url.origin} did not answer within ${timeoutMs / 1000} s`);
    case 'API_UNREACHABLE':
      return fail('CLI_API_UNREACHABLE', `${url.origin} cannot be reached${reasonOf(error.cause)}`);
    case 'API_ANSWER_INVALID':
      return fail(
        'CLI_API_NOT_UNDERSTOOD',
        `${url.origin} sent an answer that this version does not understand; is it a ${api.name}?`,
      );
    default:
  }
  if (status === 404 && code === 'DISPATCH_ALERT_UNKNOWN') {
    return fail('CLI_ALERT_UNKNOWN', 'no issue is known with this fingerprint');
  }
  const marks = [
    status,
    code === 'API_FAILED' ? null : code,
    requestId === null ? null : `request ${requestId}`,
  ];
  const mark = `(${marks.filter((each) => each !== null).join(', ')})`;
  const why = detail === null ? '' : `: ${detail}`;
  if (status === 401) {
    return key === null
      ? fail(
          'CLI_API_REFUSED',
          `the API requires a key ${mark}; set ${api.keyVariable} or use --api-key-file`,
        )
      : fail('CLI_API_REFUSED', `the API does not accept the key ${mark}`);
  }
  if (code === 'SCOPE_MISSING') {
    // A command that asks more than once needs several.
    const required = error.problem['requiredScope'];
    const lacking = typeof required === 'string' ? required : scope;
    return fail('CLI_API_REFUSED', `the key lacks the scope ${lacking} ${mark}`);
  }
  if (status === 400 || status === 422) {
    const [first] = errors;
    const reason = first === undefined ? (detail ?? 'no reason given') : `${first.pointer}: ${first.detail}`;
    return fail('CLI_USAGE', `the API does not accept the request ${mark}: ${reason}`);
  }
  return retryable
    ? fail('CLI_API_FAILED', `the API failed ${mark}${why}`)
    : fail('CLI_API_REFUSED', `the API refused the request ${mark}${why}`);
}

/** The system's word for it, such as ECONNREFUSED; it stands in the error or in what caused it. */
function reasonOf(error: unknown): string {
  for (let at = error; typeof at === 'object' && at !== null; at = 'cause' in at ? at.cause : undefined) {
    const [first]: readonly unknown[] = 'errors' in at && Array.isArray(at.errors) ? at.errors : [];
    const code = codeOf(at) ?? codeOf(first);
    if (code !== undefined) return ` (${code})`;
  }
  return '';
}

function codeOf(value: unknown): string | undefined {
  const code: unknown =
    typeof value === 'object' && value !== null && 'code' in value ? value.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
