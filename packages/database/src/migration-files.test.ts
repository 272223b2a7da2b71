import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { pendingMigrations, readMigrations } from './migration-files.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'migrations-'));
});
afterEach(() => rm(folder, { recursive: true }));

const put = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);

describe('readMigrations', () => {
  test('reads files in order and splits them into statements, from a path or a URL', async () => {
    await put(
      '0001_second.sql',
      'select 2;\n--> statement-breakpoint\n-- nothing\n--> statement-breakpoint\nselect 3;\n',
    );
    await put('0000_first.sql', 'select 1;');
    await put('README.md', 'no migration');
    const migrations = await readMigrations(folder);
    expect(migrations).toMatchObject([
      { version: 0, name: '0000_first', statements: ['select 1;'] },
      { version: 1, name: '0001_second', statements: ['select 2;', 'select 3;'] },
    ]);
    expect(await readMigrations(pathToFileURL(`${folder}/`))).toEqual(migrations);
  });

  test('line ends do not change the checksum', async () => {
    await put('0001_a.sql', 'select 1,\n2;');
    const [unix] = await readMigrations(folder);
    await put('0001_a.sql', 'select 1,\r\n2;');
    const [windows] = await readMigrations(folder);
    expect(windows?.checksum).toBe(unix?.checksum);
  });

  test.each([
    ['a gap', ['0000_a.sql', '0002_b.sql']],
    ['a twin number', ['0000_a.sql', '0000_b.sql']],
    ['a late beginning', ['0003_a.sql']],
    ['a name without a number', ['a.sql']],
  ])('%s is refused', async (_, names) => {
    for (const name of names) await put(name, 'select 1;');
    await expect(readMigrations(folder)).rejects.toMatchObject({ code: 'DATABASE_MIGRATION_INVALID' });
  });

  test('an empty file and a missing folder are refused', async () => {
    await put('0000_a.sql', '-- only a comment');
    await expect(readMigrations(folder)).rejects.toMatchObject({ code: 'DATABASE_MIGRATION_INVALID' });
    await expect(readMigrations(join(folder, 'absent'))).rejects.toMatchObject({
      code: 'DATABASE_MIGRATION_INVALID',
    });
  });

  test('a journal of drizzle-kit that names other files is refused', async () => {
    await mkdir(join(folder, 'meta'));
    await put('meta/_journal.json', JSON.stringify({ entries: [{ idx: 0, tag: '0000_a' }] }));
    await put('0000_a.sql', 'select 1;');
    await expect(readMigrations(folder)).resolves.toHaveLength(1);
    await put('0001_b.sql', 'select 1;');
    await expect(readMigrations(folder)).rejects.toMatchObject({
      message: expect.stringContaining('0001_b'),
    });
    await put('meta/_journal.json', '{');
    await expect(readMigrations(folder)).rejects.toMatchObject({ code: 'DATABASE_MIGRATION_INVALID' });
  });
});

describe('pendingMigrations', () => {
  const file = (version: number, checksum = `c${version}`) => ({
    version,
    name: `n${version}`,
    checksum,
    statements: ['x'],
  });
  const row = (version: number, checksum = `c${version}`) => ({ version, name: `n${version}`, checksum });

  test.each([
    ['a fresh database', [0, 1], [], [0, 1]],
    ['one applied', [0, 1], [0], [1]],
    ['all applied', [0, 1], [0, 1], []],
  ])('%s', (_, files, applied, expected) => {
    const pending = pendingMigrations(
      files.map((version) => file(version)),
      applied.map((version) => row(version)),
      'x',
    );
    expect(pending.map(({ version }) => version)).toEqual(expected);
  });

  test.each([
    ['a changed checksum', [file(0)], [row(0, 'other')], 'DATABASE_MIGRATION_CHANGED'],
    ['a newer database', [file(0)], [row(0), row(1)], 'DATABASE_MIGRATION_AHEAD'],
    ['a file put in before an applied one', [file(0), file(1)], [row(1)], 'DATABASE_MIGRATION_CHANGED'],
  ])('%s is an error', (_, files, applied, code) => {
    expect(() => pendingMigrations(files, applied, 'x')).toThrow(expect.objectContaining({ code }));
  });
});
