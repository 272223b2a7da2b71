import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Texts that must be found in no place where they could only be in clear, by what they stand for. */
export type Canaries = Readonly<Record<string, string>>;

/** Makes a text of its own for each place; it is no form of anything else, and needs no escaping anywhere. */
export function hatchCanaries<const T extends string>(places: readonly T[]): Readonly<Record<T, string>> {
  const entries = places.map((place) => [place, `canary-${place}-${randomBytes(8).toString('hex')}`]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one entry per place
  return Object.fromEntries(entries) as Readonly<Record<T, string>>;
}

/** The places whose canary is in the bytes, as it is, in hexadecimal, or somewhere within base64. */
export function findCanaries(bytes: Buffer, canaries: Canaries): readonly string[] {
  return Object.entries(canaries)
    .filter(([, canary]) => formsOf(canary).some((form) => bytes.includes(form)))
    .map(([place]) => place);
}

/** In base64 three texts stand for one, by how many bytes are before it. */
function formsOf(canary: string): readonly string[] {
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.from('x'.repeat(before) + canary).toString('base64');
    // Without the characters that its neighbours have a part in.
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + canary.length) * 8) / 6));
  });
  const hex = Buffer.from(canary).toString('hex');
  return [canary, hex, hex.toUpperCase(), ...base64, ...base64.map(toUrlForm)];
}

function toUrlForm(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_');
}

/** The bytes of every file below a folder, by its path. */
export function readFolder(folder: string): ReadonlyMap<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name))]),
  );
}
