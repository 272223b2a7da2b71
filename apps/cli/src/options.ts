import { readFileSync } from 'node:fs';
import type { Api } from './api.ts';
import type { ApiOptions } from './connect.ts';
import { CliError } from './errors.ts';
import type { Terminal } from './terminal.ts';

const MAX_TIMEOUT_S = 600;

/** Options of every command that asks an API. */
export function sharedOptions<TClient>(api: Api<TClient>) {
  return {
    json: { type: 'boolean', default: false, describe: 'Print the answer of the API as JSON' },
    'api-url': {
      type: 'string',
      requiresArg: true,
      describe: `Address of the API [${api.urlVariable}, else ${api.defaultUrl}]`,
    },
    'api-key-file': {
      type: 'string',
      requiresArg: true,
      normalize: true,
      describe: `File with the API key; default: the key in ${api.keyVariable}`,
    },
    timeout: {
      type: 'number',
      default: 15,
      requiresArg: true,
      describe: 'How long to wait for an answer, in seconds',
    },
  } as const;
}

/** The values of the shared options. */
export interface SharedArguments {
  readonly json: boolean;
  readonly apiUrl: string | undefined;
  readonly apiKeyFile: string | undefined;
  readonly timeout: number;
}

/** Reads where the API is and who asks. `@throws {CliError}` CLI_USAGE; a key is never part of a message. */
export function apiOptions<TClient>(
  api: Api<TClient>,
  given: SharedArguments,
  { env }: Pick<Terminal, 'env'>,
): ApiOptions {
  if (!(given.timeout > 0 && given.timeout <= MAX_TIMEOUT_S)) {
    throw new CliError(
      'CLI_USAGE',
      `--timeout: expected a number of seconds, more than 0 and at most ${MAX_TIMEOUT_S}`,
    );
  }
  return {
    url: urlOf(api, given.apiUrl, env[api.urlVariable]),
    key: keyOf(api, given.apiKeyFile, env[api.keyVariable]),
    timeoutMs: Math.round(given.timeout * 1000),
  };
}

function urlOf<TClient>(
  { urlVariable, defaultUrl }: Api<TClient>,
  option: string | undefined,
  variable: string | undefined,
): URL {
  const name = option === undefined ? urlVariable : '--api-url';
  const text = option ?? (variable === undefined || variable === '' ? defaultUrl : variable);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new CliError('CLI_USAGE', `${name}: expected an address such as ${defaultUrl}`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new CliError('CLI_USAGE', `${name}: expected an address without user, password, query or fragment`);
  }
  return url;
}

function keyOf<TClient>(
  { keyVariable }: Api<TClient>,
  file: string | undefined,
  variable: string | undefined,
): string | null {
  const name = file === undefined ? keyVariable : '--api-key-file';
  const key = (file === undefined ? (variable ?? '') : contentOf(file)).trim();
  if (key === '' && file === undefined) return null;
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new CliError('CLI_USAGE', `${name}: expected one key of printable characters without spaces`);
  }
  return key;
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError('CLI_USAGE', '--api-key-file: the file cannot be read', { cause: error });
  }
}

/**
 * Refuses a key in the arguments: every process of the machine can read them, and the shell keeps them.
 *
 * @throws {CliError} CLI_USAGE
 */
export function refuseTypedKey(args: readonly string[]): void {
  if (!args.some((arg) => /^--api-?key(?:=|$)/i.test(arg))) return;
  throw new CliError(
    'CLI_USAGE',
    'the command line does not take a key, because other users and the shell history would see it; ' +
      'set HELIOGRAPH_API_KEY or use --api-key-file',
  );
}

/**
 * Refuses `--json=maybe`, which the parser takes for `--json=false`.
 *
 * @throws {CliError} CLI_USAGE
 */
export function refuseDoubtfulFlags(args: readonly string[]): void {
  const end = args.indexOf('--');
  for (const arg of end === -1 ? args : args.slice(0, end)) {
    const [, flag, value] =
      /^--(json|help|version|without-roles|without-scopes|off|allow-missing-pollers)=(.*)$/s.exec(arg) ?? [];
    if (flag === undefined || value === 'true' || value === 'false') continue;
    throw new CliError('CLI_USAGE', `--${flag}: expected true or false, or no value at all`);
  }
}
