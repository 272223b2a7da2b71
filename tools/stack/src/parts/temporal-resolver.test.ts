import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLoopbackServer } from '@heliograph/simulators';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cacheDirectory, resolveTemporal, SOURCES } from './temporal-resolver.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-resolver-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Makes an executable that answers --version. */
function binary(name: string, answer: string) {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\necho '${answer}'\n`);
  chmodSync(path, 0o755);
  return path;
}

function context(environment: Record<string, string> = {}) {
  return { environment, print: () => {}, signal: new AbortController().signal };
}

describe('the first source with a recent server wins', () => {
  test('and an older one is passed over', async () => {
    const old = binary('old', 'temporal version 1.4.0 (Server 1.29.1, UI 2.0.0)');
    const recent = binary('recent', 'temporal version 1.32.1');
    const sources = [
      { what: 'first', find: async () => [old] },
      { what: 'second', find: async () => [recent] },
    ];
    expect(await resolveTemporal(context(), sources)).toEqual({
      kind: 'server',
      serverVersion: '1.32.1',
      path: recent,
    });
  });

  test('and later sources are not asked', async () => {
    const recent = binary('recent', 'temporal version 9.0.0 (Server 1.32.0, UI 2.0.0)');
    const sources = [
      { what: 'first', find: async () => [recent] },
      { what: 'second', find: () => Promise.reject(new Error('asked')) },
    ];
    expect((await resolveTemporal(context(), sources)).kind).toBe('cli');
  });
});

describe('TEMPORAL_CLI_PATH', () => {
  const asked = { what: 'another', find: () => Promise.reject(new Error('asked')) };

  test('is the only candidate', async () => {
    const path = binary('chosen', 'temporal version 1.33.0');
    const found = await resolveTemporal(context({ TEMPORAL_CLI_PATH: path }), [asked]);
    expect(found).toEqual({ kind: 'server', serverVersion: '1.33.0', path });
  });

  test('does not count when it is empty', async () => {
    const path = binary('other', 'temporal version 1.32.1');
    const sources = [{ what: 'another', find: async () => [path] }];
    expect((await resolveTemporal(context({ TEMPORAL_CLI_PATH: '' }), sources)).path).toBe(path);
  });

  test.each([
    ['does not exist', undefined, 'chosen does not run'],
    ['is something else', 'hello', 'chosen is not Temporal'],
    ['is too old', 'temporal version 1.4.0 (Server 1.29.1, UI 2.0.0)', 'chosen has server 1.29.1'],
  ])('is refused if it %s, whatever else there is', async (_, answer, reason) => {
    const path = answer === undefined ? join(directory, 'chosen') : binary('chosen', answer);
    const recent = binary('recent', 'temporal version 1.32.1');
    const sources = [{ what: 'another', find: async () => [recent] }];
    await expect(resolveTemporal(context({ TEMPORAL_CLI_PATH: path }), sources)).rejects.toMatchObject({
      code: 'STACK_TEMPORAL_MISSING',
      message: expect.stringMatching(
        new RegExp(`^TEMPORAL_CLI_PATH cannot be used: .*${reason};.* unset it$`),
      ),
    });
  });
});

test('when nothing serves, one line says what was tried and how to mend it', async () => {
  const old = binary('old', 'temporal version 1.4.0 (Server 1.29.1, UI 2.0.0)');
  const wrong = binary('wrong', 'hello');
  const sources = [
    { what: '`temporal` on PATH', find: async () => [old, wrong, join(directory, 'missing')] },
    { what: 'the download', find: () => Promise.reject(new Error('no answer')) },
  ];
  const failing = resolveTemporal(context(), sources);
  await expect(failing).rejects.toMatchObject({ code: 'STACK_TEMPORAL_MISSING' });
  const { message } = await failing.catch((error) => error);
  expect(message.split('\n')).toHaveLength(1);
  for (const part of [
    'has server 1.29.1',
    'wrong is not Temporal',
    'missing does not run',
    'the download (no answer)',
    'set TEMPORAL_CLI_PATH',
  ]) {
    expect(message).toContain(part);
  }
});

test.each([
  [{ HELIOGRAPH_CACHE: '/a', XDG_CACHE_HOME: '/b' }, '/a'],
  [{ XDG_CACHE_HOME: '/b' }, '/b/heliograph'],
])('the cache of %j is %s', (environment, path) => {
  expect(cacheDirectory(environment)).toBe(path);
});

test('the cache is in the home directory otherwise', () => {
  expect(cacheDirectory({})).toMatch(/\.cache\/heliograph$/);
});

describe('the cache', () => {
  const VERSION = 'temporal version 1.9.1 (Server 1.32.0, UI 2.0.0)';
  const inCache = (): string => join(directory, 'cache/temporal-cli/1.9.1/temporal');

  /** Resolves as often as asked, without Go, with an archive whose CLI gives the answer. */
  async function resolveFromCache(answer = VERSION, times = 1) {
    binary('temporal', answer);
    const packed = join(directory, 'cli.tar.gz');
    execFileSync('tar', ['-czf', packed, '-C', directory, 'temporal']);
    const content = readFileSync(packed);
    const server = await startLoopbackServer((response) => response.end(content));
    const sha256 = createHash('sha256').update(content).digest('hex');
    const archive = { name: 'cli.tar.gz', url: `${server.url}/cli.tar.gz`, sha256 };
    const lines: string[] = [];
    const environment = { HELIOGRAPH_CACHE: join(directory, 'cache'), PATH: '/nowhere' };
    const results: unknown[] = [];
    try {
      for (let time = 0; time < times; time++) {
        results.push(
          await resolveTemporal(
            { ...context(environment), archive, print: (line) => void lines.push(line) },
            // The build would find this machine's Go.
            SOURCES.filter(({ what }) => !what.startsWith('go install')),
          ).catch((error: Error) => error.message),
        );
      }
    } finally {
      await server.close();
    }
    return { results, lines, downloads: server.requests.length };
  }

  const found = () => ({ kind: 'cli', serverVersion: '1.32.0', path: inCache() });

  test('keeps what was downloaded', async () => {
    expect(await resolveFromCache(VERSION, 2)).toMatchObject({ results: [found(), found()], downloads: 1 });
  });

  test.each([
    ['no longer the binary that was kept', 'kept', 0o755, /temporal is damaged: SHA-256 \w+ instead of \w+/],
    ['not executable', 'kept', 0o644, /temporal is damaged|temporal is not executable/],
    ['of unknown origin', 'unknown', 0o755, /temporal has no recorded SHA-256/],
  ])('replaces a file that is %s, once, and says so', async (_, origin, mode, message) => {
    if (origin === 'kept') await resolveFromCache();
    mkdirSync(join(inCache(), '..'), { recursive: true });
    writeFileSync(inCache(), `#!/bin/sh\necho '${VERSION}' # changed\n`);
    chmodSync(inCache(), mode);
    const { results, lines, downloads } = await resolveFromCache(VERSION, 2);
    expect(results).toEqual([found(), found()]);
    expect(downloads).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(message),
      'downloading Temporal CLI 1.9.1 (once; kept for later starts)',
    ]);
  });

  test('does not say that a binary was downloaded when it was there', async () => {
    const { results, downloads } = await resolveFromCache('hello', 2);
    expect(downloads).toBe(1);
    expect(results[0]).toContain('the download of CLI 1.9.1 (');
    expect(results[1]).toContain(`the cache (${inCache()} is not Temporal), the download of CLI 1.9.1 (`);
    expect(results[1]).toContain('its result is in the cache already');
  });
});
