import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ConsumerProject, createConsumerProject } from './consumer-project.ts';
import { installedCopies } from './installed-copies.ts';
import { packedFileProblems } from './packed-files.ts';
import { readmeExample } from './readme-example.ts';
import { readManifests, readPublished } from './workspace-manifests.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const packages = readPublished(root);
const protobufjs = readManifests(root)[0]?.manifest.dependencies?.['protobufjs'] ?? '';
const table = packages.map(({ folder, manifest }) => ({ folder, manifest, name: manifest.name }));

let project: ConsumerProject;
beforeAll(async () => {
  project = await createConsumerProject(root, packages, { protobufjs });
}, 300_000);
afterAll(() => project?.remove());

describe('packed', () => {
  test.each(table)('$name holds what it needs and nothing else', ({ folder, name }) => {
    const tarball = project.tarballs.find((candidate) => candidate.name === name);
    const packed = (tarball?.files ?? []).map(({ path }) => path);
    const hasMigrations = existsSync(join(root, folder, 'migrations'));
    expect(packedFileProblems(packed, { hasMigrations })).toEqual([]);
  });
});

describe('installed together', () => {
  test('there is one copy of protobufjs and of each package of Temporal', () => {
    const isSingle = (name: string) => name === 'protobufjs' || name.startsWith('@temporalio/');
    const copies = installedCopies(project.folder, isSingle);
    const names = copies.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['protobufjs', '@temporalio/common']));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect(copies.find(({ name }) => name === 'protobufjs')?.version).toBe(protobufjs);
  });

  test.each(table)(
    'every entry of $name can be imported',
    async ({ name, manifest }) => {
      const entries = Object.entries(
        typeof manifest.exports === 'object' ? manifest.exports : { '.': '' },
      ).filter(([, target]) => !isForSourceOnly(target));
      const imports = entries.map(([entry, target]) =>
        useOf(entry === '.' ? name : name + entry.slice(1), target),
      );
      const code = [...imports, "console.log('imported');", 'process.exit();', ''].join('\n');
      const file = `entries-${name.replace(/^.*\//, '')}.mjs`;
      expect(await project.run(file, code, 60_000)).toEqual({ code: 0, output: 'imported\n' });
    },
    70_000,
  );

  test.each(table)(
    'the example in the README of $name runs, ends by itself and prints something',
    async ({ folder, name }) => {
      const readme = join(root, folder, 'README.md');
      const example = existsSync(readme) ? readmeExample(readFileSync(readme, 'utf8')) : undefined;
      if (example === undefined)
        throw new Error(`${folder}/README.md needs a code block whose first line is "// example"`);
      const outcome = await project.run(`example-${name.replace(/^.*\//, '')}.mjs`, example, 60_000);
      expect(outcome).toEqual({ code: 0, output: expect.stringMatching(/\S/) });
    },
    70_000,
  );
});

/** Entries that have nothing but the source condition are for the tools of this repository, which run from source. */
function isForSourceOnly(target: unknown): boolean {
  return typeof target === 'object' && target !== null && Object.keys(target).join() === '@heliograph/source';
}

/**
 * A line that takes an entry as it is meant: modules are imported; a workflow bundle is read, because only a worker can
 * evaluate it, in its isolate.
 */
function useOf(specifier: string, target: unknown) {
  const literal = JSON.stringify(specifier);
  if (typeof target === 'string' && target.startsWith('./bundle/'))
    return `(await import('node:fs')).readFileSync(new URL(import.meta.resolve(${literal})));`;
  const attributes = specifier.endsWith('.json') ? ", { with: { type: 'json' } }" : '';
  return `await import(${literal}${attributes});`;
}
