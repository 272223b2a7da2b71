import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { messageOf } from '../errors.ts';
import { withFileLock } from '../file-lock.ts';

// The address that Temporal's SDKs take their development server from.
const ORIGIN = 'https://temporal.download';
const ANSWER_WITHIN_MS = 8_000;
const FINISH_WITHIN_MS = 120_000;

/**
 * Downloads the latest Temporal CLI and returns its path; at most one process on this machine downloads.
 * @param target where the binary belongs; it appears there complete or not at all
 */
export async function downloadTemporalCli(
  target: string,
  { print, signal }: { print: (line: string) => void; signal: AbortSignal },
): Promise<string> {
  const platform = { linux: 'linux', darwin: 'darwin' }[process.platform as string];
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
  if (platform === undefined || arch === undefined)
    throw new Error(`none for ${process.platform} ${process.arch}`);
  return withFileLock(`${target}.lock`, { signal }, async () => {
    const body = await request(`${ORIGIN}/cli/archive/latest?platform=${platform}&arch=${arch}`, signal);
    print('downloading the Temporal CLI (once; kept for later starts)');
    mkdirSync(dirname(target), { recursive: true });
    const workshop = mkdtempSync(join(dirname(target), 'download-'));
    try {
      await unpack(body, workshop, AbortSignal.any([signal, AbortSignal.timeout(FINISH_WITHIN_MS)]));
      const binary = join(workshop, 'temporal');
      if (!existsSync(binary)) throw new Error('the archive holds no `temporal`');
      chmodSync(binary, 0o755);
      renameSync(binary, target);
      return target;
    } finally {
      rmSync(workshop, { recursive: true, force: true });
    }
  });
}

async function request(url: string, signal: AbortSignal) {
  const impatient = new AbortController();
  const timer = setTimeout(() => impatient.abort(), ANSWER_WITHIN_MS);
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, impatient.signal]) });
    if (!response.ok || response.body === null) throw new Error(`answered ${response.status}`);
    return response.body;
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(impatient.signal.aborted ? 'no answer' : `not reachable: ${messageOf(reason)}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

async function unpack(archive: ReadableStream, folder: string, signal: AbortSignal) {
  const tar = spawn('tar', ['-xzf', '-', '-C', folder], { stdio: ['pipe', 'ignore', 'ignore'] });
  const unpacked = new Promise((resolve: (value: void) => void, reject) => {
    tar.once('error', reject);
    tar.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error('the archive cannot be unpacked')),
    );
  });
  await Promise.all([pipeline(Readable.fromWeb(archive), tar.stdin, { signal }), unpacked]);
}
