import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatabaseError } from './errors.ts';

/** One numbered file of SQL. */
export interface Migration {
  /** The number at the beginning of the file's name. */
  readonly version: number;
  /** The file's name without `.sql`. */
  readonly name: string;
  /** SHA-256 in hex of the text, with line ends as LF, so that a checkout on Windows does not count as a change. */
  readonly checksum: string;
  readonly statements: readonly string[];
}

/** One row of a table of applied migrations. */
export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

/** What a migration run did; both lists are in order. */
export interface MigrationResult {
  readonly applied: readonly string[];
  readonly alreadyApplied: readonly string[];
}

const BREAKPOINT = '--> statement-breakpoint';

/**
 * Reads the migrations of a folder, in order: `0000_name.sql`, `0001_name.sql`, … without a gap, beginning
 * at 0 or 1, statements separated by `--> statement-breakpoint` as drizzle-kit writes them. Where drizzle-kit's
 * `meta/_journal.json` is present, it must name the same files.
 *
 * @throws DatabaseError DATABASE_MIGRATION_INVALID
 */
export async function readMigrations(folder: string | URL): Promise<readonly Migration[]> {
  const path = typeof folder === 'string' ? folder : fileURLToPath(folder);
  const files = (await listFolder(path)).filter((file) => file.endsWith('.sql')).toSorted();
  const migrations = await Promise.all(files.map((file) => readMigration(path, file)));
  const first = migrations[0]?.version ?? 0;
  for (const [index, { name, version }] of migrations.entries()) {
    if (first > 1 || version !== first + index) {
      throw invalid(`${name} is out of order: numbers begin at 0000 or 0001 and have no gap and no twin`);
    }
  }
  await checkJournal(path, migrations);
  return migrations;
}

async function listFolder(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    throw invalid(`the folder of migrations ${path} cannot be read (${codeOf(error)})`);
  }
}

async function readMigration(folder: string, file: string): Promise<Migration> {
  const match = /^(\d{4,})_([a-z0-9_-]+)\.sql$/i.exec(file);
  if (match === null) throw invalid(`${file} is not named like 0001_what-it-does.sql`);
  const text = (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n');
  const statements = text
    .split(BREAKPOINT)
    .map((statement) => statement.trim())
    .filter((statement) => !isBlank(statement));
  if (statements.length === 0) throw invalid(`${file} has no statement`);
  return { version: Number(match[1]), name: file.slice(0, -4), checksum: checksumOf(text), statements };
}

function isBlank(statement: string): boolean {
  return statement.replaceAll(/--[^\n]*|\/\*[^]*?\*\//g, '').trim() === '';
}

/** Returns the checksum that is recorded for a file's text. */
function checksumOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

async function checkJournal(folder: string, migrations: readonly Migration[]): Promise<void> {
  let journal: unknown;
  try {
    journal = JSON.parse(await readFile(join(folder, 'meta', '_journal.json'), 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw invalid(`${join(folder, 'meta', '_journal.json')} is not readable JSON`);
  }
  const entries: unknown =
    typeof journal === 'object' && journal !== null && 'entries' in journal ? journal.entries : [];
  const tags = Array.isArray(entries) ? entries.map((entry: unknown) => tagOf(entry)) : [];
  const names = migrations.map(({ name }) => name);
  const stray = [
    ...names.filter((name) => !tags.includes(name)),
    ...tags.filter((tag) => !names.includes(tag)),
  ];
  if (stray.length > 0)
    throw invalid(
      `the journal and the files of ${folder} differ in ${stray.join(', ')}: generate the migration again`,
    );
}

function tagOf(entry: unknown): string {
  return typeof entry === 'object' && entry !== null && 'tag' in entry && typeof entry.tag === 'string'
    ? entry.tag
    : '(no tag)';
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
}

function invalid(message: string): DatabaseError {
  return new DatabaseError('DATABASE_MIGRATION_INVALID', message);
}

/**
 * Compares what a database has with what a folder has and returns what is still to do. `where` names the
 * database's side in errors.
 *
 * @throws DatabaseError DATABASE_MIGRATION_CHANGED when an applied file has another text now,
 * DATABASE_MIGRATION_AHEAD when the database has a version that the folder lacks: older code on newer data.
 */
export function pendingMigrations(
  files: readonly Migration[],
  applied: readonly AppliedMigration[],
  where: string,
): readonly Migration[] {
  const byVersion = new Map(files.map((file) => [file.version, file]));
  for (const row of applied) {
    const file = byVersion.get(row.version);
    if (file === undefined) {
      throw new DatabaseError(
        'DATABASE_MIGRATION_AHEAD',
        `${where} has migration ${row.name}, which this version of the software does not know: run the newer version`,
      );
    }
    if (file.checksum !== row.checksum || file.name !== row.name) {
      throw new DatabaseError(
        'DATABASE_MIGRATION_CHANGED',
        `migration ${row.name} of ${where} was changed after it was applied: restore the file and add a new migration`,
      );
    }
  }
  const done = new Set(applied.map(({ version }) => version));
  const highest = Math.max(-1, ...done);
  const late = files.find(({ version }) => version < highest && !done.has(version));
  if (late !== undefined) {
    throw new DatabaseError(
      'DATABASE_MIGRATION_CHANGED',
      `migration ${late.name} of ${where} was added before one that is applied already`,
    );
  }
  return files.filter(({ version }) => !done.has(version));
}
