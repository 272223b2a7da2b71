import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findLongSubjects } from './commit-subjects.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heliograph-subjects-'));
  git('init', '--quiet', '--initial-branch=main');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'commit.gpgsign=false'];
const git = (...args: readonly string[]) => execFileSync('git', [...identity, ...args], { cwd: folder });

function commit(subject: string, file?: string) {
  if (file !== undefined) writeFileSync(join(folder, file), '');
  git('add', '--all');
  git('commit', '--quiet', '--allow-empty', `--message=${subject}`);
}

const LONG = `fix: ${'x'.repeat(68)}`;

test('subjects are checked from the commit that introduced the check, and up to 72 characters pass', () => {
  commit(LONG);
  commit('feat: check subjects', 'check.ts');
  commit(`fix: ${'ü'.repeat(67)}`);
  expect(findLongSubjects(folder, 'check.ts')).toEqual([]);
  commit(LONG);
  expect(findLongSubjects(folder, 'check.ts')).toEqual([expect.stringMatching(/^[0-9a-f]+ \(73\) fix: x+$/)]);
});

test('the commit that introduced the check is checked too', () => {
  commit(LONG, 'check.ts');
  expect(findLongSubjects(folder, 'check.ts')).toHaveLength(1);
});

test('a shallow clone checks what it has', () => {
  commit('feat: check subjects', 'check.ts');
  for (const subject of [LONG, 'fix: b', LONG]) commit(subject);
  const clone = join(folder, 'clone');
  execFileSync('git', ['clone', '--quiet', '--depth=2', `file://${folder}`, clone]);
  expect(findLongSubjects(clone, 'check.ts')).toHaveLength(1);
});

test('without the check in its history a repository has nothing to check', () => {
  commit(LONG);
  expect(findLongSubjects(folder, 'check.ts')).toEqual([]);
});
