import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify } from '@heliograph/bootstrap';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  deleteStateDirectory,
  endLeftovers,
  hasState,
  lockStateDirectory,
  openStateDirectory,
  readRunState,
  writeRunState,
} from './state-directory.ts';

let parent = '';
let directory = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'heliograph-state-'));
  directory = join(parent, 'state');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

describe('a state directory', () => {
  test('is made where there is none, and taken again later', () => {
    openStateDirectory(directory);
    writeFileSync(join(directory, 'ports.json'), '{}');
    openStateDirectory(directory);
    expect(hasState(directory)).toBe(true);
  });

  test('that holds something else is refused', () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'thesis.txt'), 'dear');
    expect(() => openStateDirectory(directory)).toThrow(/no state directory/);
  });

  test('is emptied by a fresh start', async () => {
    openStateDirectory(directory);
    mkdirSync(join(directory, 'postgres'));
    writeFileSync(join(directory, 'postgres/data'), 'x');
    await deleteStateDirectory(directory);
    expect(existsSync(join(directory, 'postgres'))).toBe(false);
    openStateDirectory(directory);
  });

  test('of somebody else is not deleted', async () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'thesis.txt'), 'dear');
    await expect(deleteStateDirectory(directory)).rejects.toMatchObject({ code: 'STACK_FOREIGN_DIRECTORY' });
    expect(readFileSync(join(directory, 'thesis.txt'), 'utf8')).toBe('dear');
  });

  test('in use is not deleted', async () => {
    openStateDirectory(directory);
    lockStateDirectory(directory);
    await expect(deleteStateDirectory(directory)).rejects.toMatchObject({ code: 'STACK_ALREADY_RUNNING' });
  });
});

describe('the lock', () => {
  beforeEach(() => openStateDirectory(directory));

  test('names the process and the directory that has it', () => {
    lockStateDirectory(directory);
    expect(() => lockStateDirectory(directory)).toThrow(
      new RegExp(`process ${process.pid} uses ${directory}`),
    );
  });

  test('can be taken again once released', () => {
    lockStateDirectory(directory)();
    lockStateDirectory(directory)();
    expect(existsSync(join(directory, 'lock'))).toBe(false);
  });

  test.each([
    ['of a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1, startTime: '1' })],
    ['whose pid belongs to a later process', JSON.stringify({ pid: process.pid, startTime: 'another time' })],
    ['that is damaged', '{"pid":'],
    ['that is empty', ''],
  ])('%s does not count', (_case, content) => {
    writeFileSync(join(directory, 'lock'), content);
    lockStateDirectory(directory);
    expect(JSON.parse(readFileSync(join(directory, 'lock'), 'utf8'))).toEqual(identify(process.pid));
  });
});

describe('run.json', () => {
  beforeEach(() => openStateDirectory(directory));

  test('is read as it was written', () => {
    const state = {
      supervisor: { pid: 1, startTime: '2' },
      startedAt: '2026-01-01T00:00:00.000Z',
      env: { A: 'b' },
      processes: [],
    };
    writeRunState(directory, state);
    expect(readRunState(directory)).toEqual(state);
  });

  test.each(['', '[]', '{"processes": 1}', 'null'])('that says %j is none', (content) => {
    writeFileSync(join(directory, 'run.json'), content);
    expect(readRunState(directory)).toBeUndefined();
  });

  test('of a dead run whose pids were reused ends nobody', async () => {
    const view = {
      name: 'postgres',
      port: 1,
      url: undefined,
      what: undefined,
      restarts: 0,
      state: 'ready' as const,
    };
    writeRunState(directory, {
      supervisor: { pid: 1, startTime: 'long ago' },
      startedAt: '2026-01-01T00:00:00.000Z',
      env: {},
      processes: [
        {
          ...view,
          pid: process.pid,
          startTime: 'long ago',
          guardPid: process.ppid,
          guardStartTime: 'long ago',
        },
      ],
    });
    await endLeftovers(directory);
    expect(existsSync(join(directory, 'run.json'))).toBe(false);
  });
});
