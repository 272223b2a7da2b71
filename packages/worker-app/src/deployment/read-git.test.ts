import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readGit } from './read-git.ts';

let folder: string;
const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heliograph-git-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a checkout has a commit, and a mark for what differs from it', async () => {
  await expect(readGit(folder, 'a')).resolves.toBeNull();
  git('init', '--quiet');
  await expect(readGit(folder, 'a')).resolves.toBeNull();
  writeFileSync(join(folder, 'a'), '1');
  git('add', 'a');
  git('commit', '--quiet', '-m', 'one');
  const commit = git('rev-parse', 'HEAD');
  await expect(readGit(folder, 'a')).resolves.toEqual({ commit, changes: null });

  const changes: (string | null | undefined)[] = [];
  for (const content of ['2', '3', '1']) {
    writeFileSync(join(folder, 'a'), content);
    const state = await readGit(folder, 'a');
    expect(state?.commit).toBe(commit);
    changes.push(state?.changes);
  }
  expect(changes).toEqual([expect.any(String), expect.any(String), null]);
  expect(changes[0]).not.toBe(changes[1]);
  writeFileSync(join(folder, 'b'), 'untracked');
  await expect(readGit(folder, 'a')).resolves.toEqual({ commit, changes: expect.any(String) });
});

test('a folder that git does not track is not of the checkout around it', async () => {
  const installed = join(folder, 'node_modules', 'app');
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, 'package.json'), '{}');
  writeFileSync(join(folder, '.gitignore'), 'node_modules\n');
  await expect(readGit(installed, 'package.json')).resolves.toBeNull();
});

test('a folder that does not exist has none', async () => {
  await expect(readGit('/no/such/folder', 'a')).resolves.toBeNull();
});
