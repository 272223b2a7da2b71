import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { StackError, messageOf } from '../errors.ts';
import { findDamage } from './cached-binary.ts';
import { goInstall } from './go-install.ts';
import { downloadTemporalCli } from './temporal-download.ts';
import { CLI_VERSION, type TemporalArchive } from './temporal-release.ts';
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
  /** What is downloaded; default: the pinned archive for this machine. */
  readonly archive?: TemporalArchive | undefined;
}

/** Where a binary may come from. `find` gives paths to try, and throws to say why there are none. */
export interface Source {
  readonly what: string;
  readonly find: (context: ResolveContext) => Promise<readonly string[]>;
}

const run = promisify(execFile);

/** Generous, because a machine under load may take seconds to load 200 MB. */
const VERSION_WITHIN_MS = 30_000;

const SERVER_PROGRAM = {
  what: `Temporal Server ${BUILT_SERVER}`,
  source: `go.temporal.io/server/cmd/server@v${BUILT_SERVER}`,
};

/** Where to look, cheapest first. */
export const SOURCES: readonly Source[] = [
  { what: '`temporal` on PATH', find: async ({ environment }) => onPath('temporal', environment['PATH']) },
  { what: 'the cache', find: async ({ environment }) => inCache(cacheDirectory(environment)) },
  {
    what: `the download of CLI ${CLI_VERSION}`,
    find: async ({ environment, print, signal, archive }) => {
      if (environment['HELIOGRAPH_NO_DOWNLOAD'] === '1')
        throw new Error('switched off by HELIOGRAPH_NO_DOWNLOAD=1');
      return [
        await downloadTemporalCli(cliCachePath(cacheDirectory(environment)), { print, signal, archive }),
      ];
    },
  },
  {
    what: `go install of server ${BUILT_SERVER}`,
    find: async ({ environment, print, signal }) => [
      await goInstall(SERVER_PROGRAM, serverCachePath(cacheDirectory(environment)), {
        environment,
        print,
        signal,
      }),
    ],
  },
];

/**
 * Finds a Temporal binary whose server is recent enough, if necessary by downloading or building it. If TEMPORAL_CLI_PATH
 * is set, only that binary counts.
 * @throws {StackError} STACK_TEMPORAL_MISSING, saying what was tried and how to mend it
 */
export async function resolveTemporal(
  context: ResolveContext,
  sources: readonly Source[] = SOURCES,
): Promise<TemporalBinary> {
  const chosen = context.environment['TEMPORAL_CLI_PATH'];
  if (chosen !== undefined && chosen !== '') return inspectChosen(chosen);
  const tried: string[] = [];
  const refused = new Set<string>();
  for (const { what, find } of sources) {
    context.signal.throwIfAborted();
    try {
      for (const path of await find(context)) {
        // The download and the build give what is in the cache: nothing was fetched, and the answer would be the same.
        const found = refused.has(path) ? 'its result is in the cache already' : await inspect(path);
        if (typeof found !== 'string') return { ...found, path };
        refused.add(path);
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

/** Whoever names a binary wants that one: another server in its place would answer for it without a word. */
async function inspectChosen(path: string): Promise<TemporalBinary> {
  const found = await inspect(path);
  if (typeof found !== 'string') return { ...found, path };
  throw new StackError(
    'STACK_TEMPORAL_MISSING',
    `TEMPORAL_CLI_PATH cannot be used: ${found}; ` +
      `set it to a temporal CLI or server with Temporal Server ${OLDEST_SERVER} or newer, or unset it`,
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
    const { stdout } = await run(path, ['--version'], { timeout: VERSION_WITHIN_MS });
    const info = parseVersionOutput(stdout);
    if (info === undefined) return `${path} is not Temporal`;
    return isAtLeast(info.serverVersion, OLDEST_SERVER) ? info : `${path} has server ${info.serverVersion}`;
  } catch (error) {
    return error instanceof Error && 'killed' in error && error.killed === true
      ? `${path} did not answer --version within ${VERSION_WITHIN_MS / 1000} s`
      : `${path} does not run`;
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

/** Gives the cache's undamaged binaries. The source that made a damaged one replaces it. */
async function inCache(cache: string): Promise<string[]> {
  const kept: string[] = [];
  const damages: string[] = [];
  for (const path of [serverCachePath(cache), cliCachePath(cache)].filter((each) => existsSync(each))) {
    const damage = await findDamage(path);
    if (damage === undefined) kept.push(path);
    else damages.push(damage);
  }
  if (kept.length === 0) throw new Error(damages.length === 0 ? 'empty' : damages.join('; '));
  return kept;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
