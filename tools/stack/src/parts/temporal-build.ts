import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { withFileLock } from '@heliograph/bootstrap';
import { isKept, keepBinary } from './cached-binary.ts';
import { BUILT_SERVER, OLDEST_GO, isAtLeast, parseGoVersion } from './temporal-version.ts';

const run = promisify(execFile);
const PROGRESS_EVERY_MS = 10_000;

/**
 * Builds the Temporal Server by `go install` to `target`, where it appears complete or not at all, and returns its path.
 * At most one process on this machine builds. One that is there already is returned, if its SHA-256 is still the recorded
 * one, and replaced otherwise.
 */
export async function buildTemporalServer(
  target: string,
  {
    environment,
    print,
    signal,
  }: {
    environment: Readonly<Record<string, string | undefined>>;
    print: (line: string) => void;
    signal: AbortSignal;
  },
): Promise<string> {
  const version = await goVersion();
  if (version === undefined) throw new Error('Go is not installed');
  if (!isAtLeast(version, OLDEST_GO)) throw new Error(`Go ${version} is older than ${OLDEST_GO}`);
  const startedAtMs = performance.now();
  const progress = (what: string) =>
    print(
      `${what} (${Math.round((performance.now() - startedAtMs) / 1000)} s so far; kept for later starts)`,
    );
  return withFileLock(
    `${target}.lock`,
    {
      signal,
      onWait: (pid) => progress(`waiting for process ${pid}, which builds Temporal Server ${BUILT_SERVER}`),
    },
    async () => {
      if (await isKept(target, print)) return target;
      progress(`building Temporal Server ${BUILT_SERVER} with Go ${version}: this takes minutes, once`);
      await install(target, { environment, progress, signal });
      print(
        `built Temporal Server ${BUILT_SERVER} in ${Math.round((performance.now() - startedAtMs) / 1000)} s`,
      );
      return target;
    },
  );
}

async function install(
  target: string,
  {
    environment,
    progress,
    signal,
  }: {
    environment: Readonly<Record<string, string | undefined>>;
    progress: (what: string) => void;
    signal: AbortSignal;
  },
): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const workshop = mkdtempSync(join(dirname(target), 'build-'));
  let lastLine = '';
  const ticker = setInterval(
    () => progress(`building Temporal Server${lastLine === '' ? '' : `, now ${lastLine}`}`),
    PROGRESS_EVERY_MS,
  );
  try {
    await new Promise((resolve: (value: void) => void, reject) => {
      const go = spawn('go', ['install', '-v', `go.temporal.io/server/cmd/server@v${BUILT_SERVER}`], {
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
    await keepBinary(join(workshop, 'server'), target);
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
