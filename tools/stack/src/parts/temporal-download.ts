import { execFile } from 'node:child_process';
import { createWriteStream, lstatSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { promisify } from 'node:util';
import { withFileLock } from '@heliograph/bootstrap';
import { messageOf } from '../errors.ts';
import { isKept, keepBinary, sha256Of } from './cached-binary.ts';
import { CLI_VERSION, findArchive, type TemporalArchive } from './temporal-release.ts';

const run = promisify(execFile);

/** More than twice the size of a current archive: anything larger is not one. */
const MAX_ARCHIVE_BYTES = 128 * 1024 * 1024;

/** How to download. */
export interface DownloadOptions {
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
  /** Default: the pinned one for this machine. */
  readonly archive?: TemporalArchive | undefined;
  /** How long the server may take to begin its answer; default 8,000 ms. */
  readonly answerWithinMs?: number;
  /** How long the whole download may take; default 120,000 ms. */
  readonly finishWithinMs?: number;
}

/**
 * Downloads the pinned Temporal CLI to `target` and returns its path; at most one process on this machine downloads.
 *
 * The archive is unpacked only once its SHA-256 is the pinned one, and the binary appears complete or not at all. One that
 * is there already is returned, if its SHA-256 is still the recorded one, and replaced otherwise.
 */
export async function downloadTemporalCli(target: string, options: DownloadOptions): Promise<string> {
  const { archive = findArchive(process.platform, process.arch), signal, print } = options;
  if (archive === undefined)
    throw new Error(`no checksum of Temporal CLI ${CLI_VERSION} for ${process.platform} ${process.arch}`);
  const onWait = (pid: number): void =>
    print(`waiting for process ${pid}, which downloads Temporal CLI ${CLI_VERSION}`);
  return withFileLock(`${target}.lock`, { signal, onWait }, async () => {
    if (await isKept(target, print)) return target;
    const body = await request(archive.url, options);
    print(`downloading Temporal CLI ${CLI_VERSION} (once; kept for later starts)`);
    mkdirSync(dirname(target), { recursive: true });
    const workshop = mkdtempSync(join(dirname(target), 'download-'));
    try {
      const file = join(workshop, archive.name);
      await receive(body, file, options);
      await verify(file, archive);
      await run('tar', ['-xzf', file, '-C', workshop, 'temporal'], { signal }).catch((error: unknown) => {
        throw new Error(`${archive.name} holds no temporal`, { cause: error });
      });
      const binary = join(workshop, 'temporal');
      if (!lstatSync(binary).isFile()) throw new Error(`temporal in ${archive.name} is not a file`);
      await keepBinary(binary, target);
      return target;
    } finally {
      rmSync(workshop, { recursive: true, force: true });
    }
  });
}

async function request(
  url: string,
  { signal, answerWithinMs = 8_000 }: DownloadOptions,
): Promise<ReadableStream> {
  const impatient = new AbortController();
  const timer = setTimeout(() => impatient.abort(), answerWithinMs);
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, impatient.signal]) });
    if (response.ok && response.body !== null) return response.body;
    await response.body?.cancel();
    throw new Error(`answered with status ${response.status}`);
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(impatient.signal.aborted ? 'no answer' : messageOf(reason), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Writes the body to a file. */
async function receive(
  body: ReadableStream,
  file: string,
  { signal, finishWithinMs = 120_000 }: DownloadOptions,
): Promise<void> {
  const late = AbortSignal.timeout(finishWithinMs);
  let bytes = 0;
  const bounded = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > MAX_ARCHIVE_BYTES) throw new Error('it is larger than any archive of the CLI');
      yield chunk;
    }
  };
  try {
    await pipeline(Readable.fromWeb(body), bounded, createWriteStream(file), {
      signal: AbortSignal.any([signal, late]),
    });
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = late.aborted ? `not finished within ${finishWithinMs / 1000} s` : messageOf(reason);
    throw new Error(`broke off: ${why}`, { cause: error });
  }
}

async function verify(file: string, { name, sha256 }: TemporalArchive): Promise<void> {
  const actual = await sha256Of(file);
  if (actual !== sha256)
    throw new Error(`${name} has SHA-256 ${actual} instead of ${sha256}; it was deleted unused`);
}
