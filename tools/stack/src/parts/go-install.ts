import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { withFileLock } from '@heliograph/bootstrap';
import { isKept, keepBinary } from './cached-binary.ts';
import { OLDEST_GO, isAtLeast, parseGoVersion } from './temporal-version.ts';

const run = promisify(execFile);
const PROGRESS_EVERY_MS = 10_000;

/** A program that Go builds. */
export interface GoProgram {
  /** Such as "Temporal Server 1.32.1". */
  readonly what: string;
  /** The package of its `main` with the version, such as `go.temporal.io/server/cmd/server@v1.32.1`. */
  readonly source: string;
}

/** What a build may use. */
export interface BuildContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Builds a program by `go install` to `target`, where it appears complete or not at all, and returns its path. The file has
 * the name that Go gives it. At most one process on this machine builds. One that is there already is returned, if its
 * SHA-256 is still the recorded one, and replaced otherwise.
 */
export async function goInstall(
  program: GoProgram,
  target: string,
  { environment, print, signal }: BuildContext,
): Promise<string> {
  const { what } = program;
  const version = await goVersion();
  if (version === undefined) throw new Error('Go is not installed');
  if (!isAtLeast(version, OLDEST_GO)) throw new Error(`Go ${version} is older than ${OLDEST_GO}`);
  const startedAtMs = performance.now();
  const seconds = (): number => Math.round((performance.now() - startedAtMs) / 1000);
  const progress = (doing: string) => print(`${doing} (${seconds()} s so far; kept for later starts)`);
  return withFileLock(
    `${target}.lock`,
    { signal, onWait: (pid) => progress(`waiting for process ${pid}, which builds ${what}`) },
    async () => {
      if (await isKept(target, print)) return target;
      progress(`building ${what} with Go ${version}: this takes minutes, once`);
      await install(program, target, { environment, print: progress, signal });
      print(`built ${what} in ${seconds()} s`);
      return target;
    },
  );
}

async function install(
  { what, source }: GoProgram,
  target: string,
  { environment, print, signal }: BuildContext,
): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const workshop = mkdtempSync(join(dirname(target), 'build-'));
  let lastLine = '';
  const ticker = setInterval(
    () => print(`building ${what}${lastLine === '' ? '' : `, now ${lastLine}`}`),
    PROGRESS_EVERY_MS,
  );
  try {
    await new Promise((resolve: (value: void) => void, reject) => {
      const go = spawn('go', ['install', '-v', source], {
        cwd: workshop,
        env: { ...environment, GOBIN: workshop, GOFLAGS: '' },
        stdio: ['ignore', 'ignore', 'pipe'],
        signal,
      });
      go.stderr.setEncoding('utf8').on('data', (text: string) => {
        lastLine = text.trim().split('\n').at(-1) ?? lastLine;
      });
      go.once('error', reject);
      go.once('close', (code) =>
        code === 0 ? resolve() : reject(new Error(`go install failed: ${lastLine}`)),
      );
    });
    await keepBinary(join(workshop, basename(target)), target);
  } finally {
    clearInterval(ticker);
    rmSync(workshop, { recursive: true, force: true });
  }
}

async function goVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await run('go', ['version'], { timeout: 10_000 });
    return parseGoVersion(stdout);
  } catch {
    return undefined;
  }
}
