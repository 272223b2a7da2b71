import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { CodecError } from '../../contract/errors.ts';
import { type ClaimName, isClaimName } from '../claim-name.ts';
import type { ObjectStore, StoredObject } from '../object-store.ts';
import { assertSize, codeOfError, guardStore } from './store-error.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY, O_DIRECTORY } = constants;
/** Files that a crash left behind are deleted after this, in milliseconds. */
const TEMPORARY_LIFETIME_MS = 24 * 60 * 60 * 1000;

/**
 * Stores objects as files of a folder, which has to exist and which every process of the namespace has to see: in 256
 * folders by the first two digits of their digest, readable by this user alone. A file is there completely or not at all:
 * it is written and synced beside its place, then linked into it. Symbolic links are not followed.
 *
 * @throws CodecError CODEC_OPTIONS_INVALID if the folder is none, or a symbolic link.
 */
export async function createFileStore({ folder }: { readonly folder: string }): Promise<ObjectStore> {
  const found = await lstat(folder).catch(() => null);
  if (found?.isDirectory() !== true)
    throw new CodecError(
      'CODEC_OPTIONS_INVALID',
      'The folder of a file store has to exist, and to be no symbolic link.',
    );
  const folderOf = (name: ClaimName): string => join(folder, fanOf(name));
  const pathOf = (name: ClaimName): string => join(folderOf(name), name);
  return {
    type: 'file',
    put: (name, bytes) =>
      guardStore('store an object', async () => {
        await makeFolder(folderOf(name), folder);
        const temporary = await writeTemporary(folderOf(name), bytes);
        try {
          // A link never replaces a file, as a rename would.
          await link(temporary, pathOf(name));
        } catch (error) {
          if (codeOfError(error) === 'EEXIST') return false;
          throw error;
        } finally {
          await unlink(temporary);
        }
        await syncFolder(folderOf(name));
        return true;
      }),
    get: (name, maxBytes) => guardStore('read an object', () => readObject(pathOf(name), name, maxBytes)),
    replace: (name, { bytes, version }) =>
      guardStore('replace an object', async () => {
        const current = await readObject(pathOf(name), name, Number.MAX_SAFE_INTEGER);
        if (current?.version !== version) return false;
        await rename(await writeTemporary(folderOf(name), bytes), pathOf(name));
        await syncFolder(folderOf(name));
        return true;
      }),
    remove: (name) =>
      guardStore('delete an object', async () => {
        await rm(pathOf(name), { force: true });
      }),
    list: ({ after, limit }) => guardStore('list objects', () => listFrom(folder, after, limit)),
  };
}

/** Objects are in the order of their folders, then of their names. */
async function listFrom(
  folder: string,
  after: ClaimName | null,
  limit: number,
): Promise<readonly ClaimName[]> {
  const found: ClaimName[] = [];
  const first = after === null ? '' : fanOf(after);
  const fans = (await readdir(folder)).filter((fan) => /^[0-9a-f]{2}$/.test(fan) && fan >= first);
  for (const fan of fans.toSorted()) {
    const files = await readdir(join(folder, fan));
    await Promise.all(
      files.filter((file) => file.startsWith('.')).map((file) => dropOld(join(folder, fan, file))),
    );
    const names = files.filter(
      (file) => isClaimName(file) && (fan !== first || after === null || file > after),
    );
    found.push(...names.toSorted());
    if (found.length >= limit) break;
  }
  return found.slice(0, limit);
}

function fanOf(name: ClaimName): string {
  return name.slice(-81, -79);
}

/** The folder may be made by several processes at once. */
async function makeFolder(path: string, parent: string): Promise<void> {
  const isNew = await mkdir(path, { mode: 0o700 }).then(
    () => true,
    (error: unknown) => {
      if (codeOfError(error) === 'EEXIST') return false;
      throw error;
    },
  );
  if (isNew) await syncFolder(parent);
  if (!(await lstat(path)).isDirectory()) throw new TypeError('not a folder');
}

async function writeTemporary(folder: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, `.${randomUUID()}`);
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return path;
}

async function readObject(path: string, name: ClaimName, maxBytes: number): Promise<StoredObject | null> {
  const file = await openFile(path);
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    assertSize(name, size, maxBytes);
    // A file that grows meanwhile is read no further.
    const bytes = Buffer.allocUnsafeSlow(size);
    let length = 0;
    while (length < size) {
      const { bytesRead } = await file.read(bytes, length, size - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    const whole = bytes.subarray(0, length);
    return { bytes: whole, version: createHash('sha256').update(whole).digest('hex') };
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle | null> {
  // Neither the file nor its folder may be a link.
  const folder = await open(join(path, '..'), O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch((error: unknown) =>
    codeOfError(error) === 'ENOENT' ? null : Promise.reject(error),
  );
  if (folder === null) return null;
  await folder.close();
  const file = await open(path, O_RDONLY | O_NOFOLLOW).catch((error: unknown) =>
    codeOfError(error) === 'ENOENT' ? null : Promise.reject(error),
  );
  if (file !== null && !(await file.stat()).isFile()) {
    await file.close();
    throw new TypeError('not a file');
  }
  return file;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, O_RDONLY | O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function dropOld(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found !== null && found.mtimeMs < Date.now() - TEMPORARY_LIFETIME_MS) await rm(path, { force: true });
}
