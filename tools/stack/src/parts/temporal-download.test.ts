import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLoopbackServer, type LoopbackServer } from '@heliograph/simulators';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { downloadTemporalCli, type DownloadOptions } from './temporal-download.ts';
import { findArchive } from './temporal-release.ts';

let directory = '';
let server: LoopbackServer | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-download-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(directory, { recursive: true, force: true });
});

const SCRIPT = '#!/bin/sh\necho here\n';

/** Packs a folder with a file `temporal`, unless `prepare` does something else. */
function pack(prepare = (folder: string) => writeFileSync(join(folder, 'temporal'), SCRIPT)): Buffer {
  const folder = join(directory, 'content');
  mkdirSync(folder);
  prepare(folder);
  const file = join(directory, 'archive.tar.gz');
  execFileSync('tar', ['-czf', file, '-C', folder, ...readdirSync(folder)]);
  return readFileSync(file);
}

const sumOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** Downloads what the server answers, while another content may be the pinned one. */
async function download(
  respond: (response: ServerResponse) => void,
  pinned: Buffer,
  more: Partial<DownloadOptions> = {},
): Promise<string> {
  server = await startLoopbackServer(respond);
  const archive = { name: 'cli.tar.gz', url: `${server.url}/cli.tar.gz`, sha256: sumOf(pinned) };
  const options = { print: () => undefined, signal: new AbortController().signal, archive, ...more };
  return downloadTemporalCli(join(directory, 'cache/temporal'), options);
}

const leftovers = (): readonly string[] => {
  const cache = join(directory, 'cache');
  return existsSync(cache) ? readdirSync(cache) : [];
};

describe('downloadTemporalCli', () => {
  test('unpacks the pinned archive, and does not download what is there', async () => {
    const archive = pack();
    const path = await download((response) => response.end(archive), archive);
    expect(readFileSync(path, 'utf8')).toBe(SCRIPT);
    expect(statSync(path).mode & 0o777).toBe(0o755);
    expect(leftovers()).toEqual(['temporal', 'temporal.sha256']);
    await server?.close();
    await expect(download((response) => response.end('other'), archive)).resolves.toBe(path);
    expect(server?.requests).toHaveLength(0);
  });

  test('refuses any other content, names both sums and keeps nothing', async () => {
    const [pinned, other] = [Buffer.from('pinned'), pack()];
    await expect(download((response) => response.end(other), pinned)).rejects.toThrow(
      `cli.tar.gz has SHA-256 ${sumOf(other)} instead of ${sumOf(pinned)}; it was deleted unused`,
    );
    expect(leftovers()).toEqual([]);
  });

  test('refuses an archive that broke off, whatever part arrived', async () => {
    const archive = pack();
    const half = archive.subarray(0, archive.length / 2);
    const cut = (response: ServerResponse): void => {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(half, () => response.destroy());
    };
    await expect(download(cut, half)).rejects.toThrow(/^broke off: /);
    expect(leftovers()).toEqual([]);
  });

  test.each([
    ['never answers', () => undefined, /^no answer$/],
    ['stops in the middle', (response: ServerResponse) => response.write('half'), /^broke off: not finished/],
    ['answers with an error', (response: ServerResponse) => response.writeHead(503).end(), /status 503$/],
  ])('gives up on a server that %s', async (_, respond, message) => {
    const limits = { answerWithinMs: 100, finishWithinMs: 100 };
    await expect(download((response) => void respond(response), pack(), limits)).rejects.toThrow(message);
    expect(leftovers()).toEqual([]);
  });

  test('refuses an archive that holds something else', async () => {
    const archive = pack((folder) => writeFileSync(join(folder, 'README'), ''));
    await expect(download((response) => response.end(archive), archive)).rejects.toThrow(
      'cli.tar.gz holds no temporal',
    );
    expect(leftovers()).toEqual([]);
  });

  test('refuses a link', async () => {
    const archive = pack((folder) => symlinkSync('/bin/sh', join(folder, 'temporal')));
    await expect(download((response) => response.end(archive), archive)).rejects.toThrow(
      'temporal in cli.tar.gz is not a file',
    );
    expect(leftovers()).toEqual([]);
  });
});

test.each([
  ['linux', 'x64', 'linux_amd64'],
  ['linux', 'arm64', 'linux_arm64'],
  ['darwin', 'x64', 'darwin_amd64'],
  ['darwin', 'arm64', 'darwin_arm64'],
])('%s on %s has a pinned archive', (platform, arch, build) => {
  expect(findArchive(platform, arch)).toEqual({
    name: `temporal_cli_1.9.1_${build}.tar.gz`,
    url: `https://github.com/temporalio/cli/releases/download/v1.9.1/temporal_cli_1.9.1_${build}.tar.gz`,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test.each([
  ['win32', 'x64'],
  ['linux', 'riscv64'],
  ['toString', ''],
])('%s on %s has none', (platform, arch) => {
  expect(findArchive(platform, arch)).toBeUndefined();
});
