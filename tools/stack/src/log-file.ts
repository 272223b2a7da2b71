import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const ROTATE_ABOVE_BYTES = 20 * 1024 * 1024;

/** Opens a log for appending and returns its file descriptor; a log above 20 MB is moved to `<path>.1` first. */
export function openLog(path: string, rotateAboveBytes: number = ROTATE_ABOVE_BYTES): number {
  mkdirSync(dirname(path), { recursive: true });
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > rotateAboveBytes) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/** Returns the size of a log, 0 if there is none: a mark from which `readLogSince` reads. */
export function logSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Reads what was written since a mark, at most the last 64 KiB of it. */
export function readLogSince(path: string, mark: number): string {
  let file;
  try {
    file = openSync(path, 'r');
    const end = fstatSync(file).size;
    const from = Math.max(mark > end ? 0 : mark, end - 65_536);
    const buffer = Buffer.alloc(end - from);
    readSync(file, buffer, 0, buffer.length, from);
    return buffer.toString('utf8');
  } catch {
    return '';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
