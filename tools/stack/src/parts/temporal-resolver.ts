import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { StackError, messageOf } from '../errors.ts';
import { buildTemporalServer } from './temporal-build.ts';
import { downloadTemporalCli } from './temporal-download.ts';
import { CLI_VERSION } from './temporal-release.ts';
import {
  BUILT_SERVER,
  isAtLeast,
  OLDEST_GO,
  OLDEST_SERVER,
  parseVersionOutput,
  type TemporalBinaryInfo,
} from './temporal-version.ts';

/** A binary that was found. */
export type TemporalBinary = TemporalBinaryInfo & { readonly path: string };

/** What a search may use. */
export interface ResolveContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Where a binary may come from. `find` gives paths to try, and throws to say why there are none. */
export interface Source {
  readonly what: string;
  readonly find: (context: ResolveContext) => Promise<readonly string[]>;
}

const run = promisify(execFile);

/** Cheapest first. */
const SOURCES: readonly Source[] = [
  {
    what: 'TEMPORAL_CLI_PATH',
    find: async ({ environment }) => present(environment['TEMPORAL_CLI_PATH'], 'not set'),
  },
  { what: '`temporal` on PATH', find: async ({ environment }) => onPath('temporal', environment['PATH']) },
  { what: 'the cache', find: async ({ environment }) => inCache(cacheDirectory(environment)) },
  {
    what: `the download of CLI ${CLI_VERSION}`,
    find: async ({ environment, print, signal }) => {
      if (environment['HELIOGRAPH_NO_DOWNLOAD'] === '1')
        throw new Error('switched off by HELIOGRAPH_NO_DOWNLOAD=1');
      return [await downloadTemporalCli(cliCachePath(cacheDirectory(environment)), { print, signal })];
    },
  },
  {
    what: `go install of server ${BUILT_SERVER}`,
    find: async ({ environment, print, signal }) => [
      await buildTemporalServer(serverCachePath(cacheDirectory(environment)), { environment, print, signal }),
    ],
  },
];

/**
 * Finds a Temporal binary whose server is recent enough, if necessary by downloading or building it.
 * @throws {StackError} STACK_TEMPORAL_MISSING, saying what was tried and how to mend it
 */
export async function resolveTemporal(
  context: ResolveContext,
  sources: readonly Source[] = SOURCES,
): Promise<TemporalBinary> {
  const tried: string[] = [];
  for (const { what, find } of sources) {
    context.signal.throwIfAborted();
    try {
      for (const path of await find(context)) {
        const found = await inspect(path);
        if (typeof found !== 'string') return { ...found, path };
        tried.push(`${what} (${found})`);
      }
    } catch (error) {
      context.signal.throwIfAborted();
      tried.push(`${what} (${messageOf(error)})`);
    }
  }
  throw new StackError(
    'STACK_TEMPORAL_MISSING',
    `no Temporal Server ${OLDEST_SERVER} or newer found; tried ${tried.join(', ')}; ` +
      `set TEMPORAL_CLI_PATH to a recent temporal CLI or server, or install Go ${OLDEST_GO} or newer`,
  );
}

/** Gives the user's cache folder, shared by all clones. */
export function cacheDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  const own = environment['HELIOGRAPH_CACHE'];
  if (own !== undefined && own !== '') return own;
  const xdg = environment['XDG_CACHE_HOME'];
  return join(xdg !== undefined && xdg !== '' ? xdg : join(homedir(), '.cache'), 'heliograph');
}

function serverCachePath(cache: string): string {
  return join(cache, 'temporal-server', BUILT_SERVER, 'server');
}

function cliCachePath(cache: string): string {
  return join(cache, 'temporal-cli', CLI_VERSION, 'temporal');
}

/** Runs `--version` and returns the kind of binary, or a text that says why it cannot be used. */
async function inspect(path: string): Promise<TemporalBinaryInfo | string> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 10_000 });
    const info = parseVersionOutput(stdout);
    if (info === undefined) return `${path} is not Temporal`;
    return isAtLeast(info.serverVersion, OLDEST_SERVER) ? info : `${path} has server ${info.serverVersion}`;
  } catch {
    return `${path} does not run`;
  }
}

function present(path: string | undefined, reason: string): string[] {
  if (path === undefined || path === '') throw new Error(reason);
  return [path];
}

function onPath(name: string, path: string = ''): string[] {
  const found = path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
  return present(found, 'none');
}

function inCache(cache: string): string[] {
  const found = [serverCachePath(cache), cliCachePath(cache)].filter(isExecutable);
  if (found.length === 0) throw new Error('empty');
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
