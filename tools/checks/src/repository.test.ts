import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_PACKAGES } from '@heliograph/bootstrap';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { describe, expect, test } from '@jest/globals';
import { missingOptionalPackages } from './complete-lockfile.ts';
import { entriesWithHost, isExactVersion, lockedCopies } from './dependency-versions.ts';
import {
  compareNames,
  createdMetrics,
  declaredVariables,
  documentedMetrics,
  documentedVariables,
} from './compare-names.ts';
import { installedCopies } from './installed-copies.ts';
import { findMachinePaths } from './machine-paths.ts';
import { findUncachedDocuments } from './test-documents.ts';
import { type Manifest, declaredDependencies, readManifests, readPublished } from './workspace-manifests.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const packages = readManifests(root);
const dependencies = declaredDependencies(packages);
const rootManifest = packages[0]?.manifest ?? {};

const isTemporal = (name: string) => name.startsWith('@temporalio/');

const isProtobuf = (name: string) => name === 'protobufjs';

const versionsOf = (copies: readonly { version?: string | undefined }[]) => [
  ...new Set(copies.map(({ version }) => version)),
];

describe('versions', () => {
  test('every dependency is exact, so that a fresh clone gets what was tested', () => {
    expect(dependencies.filter(({ version }) => !isExactVersion(version))).toEqual([]);
  });

  test('all of @temporalio has one version, declared and locked', () => {
    const declared = dependencies.filter(({ name }) => isTemporal(name));
    const [version] = versionsOf(declared);
    expect(declared.filter((dependency) => dependency.version !== version)).toEqual([]);
    expect(lockedCopies(lock, isTemporal).filter((copy) => copy.version !== version)).toEqual([]);
  });

  test('a dependency has the same version in every package', () => {
    const first = new Map(dependencies.toReversed().map(({ name, version }) => [name, version]));
    expect(dependencies.filter(({ name, version }) => first.get(name) !== version)).toEqual([]);
  });

  test('every package wants the same Node as the root', () => {
    const wanted = rootManifest.engines?.node;
    expect(wanted).toMatch(/^>=\d+\.\d+/);
    expect(packages.filter(({ manifest }) => manifest.engines?.node !== wanted)).toEqual([]);
  });
});

describe('protobufjs', () => {
  const wanted = rootManifest.dependencies?.['protobufjs'];

  test('the lock has one copy, the one the root asks for', () => {
    expect(rootManifest.overrides).toEqual({ protobufjs: '$protobufjs' });
    expect(lockedCopies(lock, isProtobuf)).toEqual([
      { name: 'protobufjs', path: 'node_modules/protobufjs', version: wanted },
    ]);
  });

  test('the disk has one copy', () => {
    const copies = packages.flatMap(({ folder }) => installedCopies(join(root, folder), isProtobuf));
    expect(copies.map(({ version }) => version)).toEqual([wanted]);
  });

  test('a history survives the way through JSON, which two copies break', () => {
    const history = {
      events: [
        {
          eventId: '1',
          eventTime: '2026-01-02T03:04:05.006Z',
          eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED',
          version: '0',
          taskId: '1048576',
          workflowExecutionStartedEventAttributes: {
            workflowType: { name: 'monitorInstanceAlert' },
            taskQueue: { name: 'dispatch', kind: 'TASK_QUEUE_KIND_NORMAL' },
            input: { payloads: [{ metadata: { encoding: 'anNvbi9wbGFpbg==' }, data: 'eyJhIjoxfQ==' }] },
            workflowTaskTimeout: '10s',
            attempt: 1,
          },
        },
      ],
    };
    expect(JSON.parse(historyToJSON(historyFromJSON(history)))).toMatchObject({
      events: [
        {
          eventId: '1',
          eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED',
          workflowExecutionStartedEventAttributes: {
            workflowType: { name: 'monitorInstanceAlert' },
            input: { payloads: [{ data: 'eyJhIjoxfQ==' }] },
          },
        },
      ],
    });
  });
});

describe('Node', () => {
  test('every platform with a package is pinned to the same release', () => {
    const pinned = rootManifest.optionalDependencies ?? {};
    expect(new Set(Object.keys(pinned))).toEqual(new Set(Object.values(NODE_PACKAGES)));
    expect(new Set(Object.values(pinned)).size).toBe(1);
    for (const name of Object.keys(pinned))
      expect(lock.packages[`node_modules/${name}`]?.integrity).toMatch(/^sha512-/);
  });

  test('images ship the pinned release', () => {
    const tracked = trackedFiles().filter((file) => /(?:^|\/)Dockerfile$/.test(file));
    const versions = tracked.flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/^FROM node:([\d.]+)/gm)].map(
        ([, version]) => version,
      ),
    );
    expect(new Set(versions)).toEqual(new Set(Object.values(rootManifest.optionalDependencies ?? {})));
  });

  test('types are those of the oldest Node that packages promise, so that they cannot use newer APIs', () => {
    const floor = /^>=(\d+\.\d+)$/.exec(rootManifest.engines?.node ?? '')?.[1];
    expect(dependencies.find(({ name }) => name === '@types/node')?.version).toMatch(`${floor}.`);
  });
});

describe('package-lock.json', () => {
  test('every package with an install script is listed in allowScripts, or npm warns and later refuses', () => {
    const entries = Object.entries(lock.packages).filter(([, entry]) => hasInstallScript(entry));
    const names = entries.map(([path]) => path.replace(/^.*node_modules\//, ''));
    expect(Object.keys(rootManifest.allowScripts ?? {}).toSorted()).toEqual([...new Set(names)].toSorted());
  });

  test('is complete, so that npm ci works on every platform (if not: npm run lockfile)', () => {
    expect(missingOptionalPackages(lock)).toEqual([]);
  });

  test('names no host, so that any registry will do', () => {
    expect(entriesWithHost(lock)).toEqual([]);
  });

  test('has every package of the workspace as its package.json says (if not: npm install, npm run lockfile)', () => {
    const declared = packages.map(({ folder, manifest }) => ({ folder, ...sections(manifest) }));
    const locked = packages.map(({ folder }) => ({ folder, ...sections(lock.packages[folder] ?? {}) }));
    expect(locked).toEqual(declared);
  });
});

describe('files', () => {
  test("no tracked file names a folder of somebody's machine", () => {
    const found = trackedFiles().flatMap((file) =>
      findMachinePaths(file, textOf(join(root, file))).map(({ line, text }) => `${file}:${line} ${text}`),
    );
    expect(found).toEqual([]);
  });

  test('a document that a test reads is an input of its target', () => {
    const inputsOf = (folder: string, target: 'test' | 'it') =>
      packages.find((each) => each.folder === folder)?.manifest.nx?.targets?.[target]?.inputs ?? [];
    const found = trackedFiles()
      .filter((file) => file.endsWith('.test.ts'))
      .flatMap((file) => findUncachedDocuments(file, textOf(join(root, file)), inputsOf));
    expect(found).toEqual([]);
  });

  test.each(readPublished(root).map(({ folder }) => folder))(
    '%s carries the licence of the root',
    (folder) => {
      const path = join(root, folder, 'LICENSE');
      expect(existsSync(path) ? readFileSync(path, 'utf8') : 'missing: copy LICENSE there').toBe(
        readFileSync(join(root, 'LICENSE'), 'utf8'),
      );
    },
  );
});

describe('documents for operators', () => {
  const none = { undocumented: [], unknown: [] };
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  const sourcesIn = (folder: RegExp) =>
    trackedFiles().filter((file) => folder.test(file) && !file.endsWith('.test.ts'));

  test.each([
    ['docs/operations/production.md', ['apps/codec-server/src/config.ts']],
    ['apps/dispatch-center/README.md', []],
  ])('%s names every variable of the Dispatch Center, and none that does not exist', (document, others) => {
    const files = ['packages/worker-app/src/variables.ts', 'apps/dispatch-center/src/config.ts'];
    const declared = files.flatMap((file) => declaredVariables(read(file)));
    const known = [...declared, ...others.flatMap((file) => declaredVariables(read(file)))];
    const documented = documentedVariables(read(document));
    expect(declared.length).toBeGreaterThan(20);
    expect(compareNames(declared, documented).undocumented).toEqual([]);
    expect(compareNames(known, documented).unknown).toEqual([]);
  });

  test('the README of the codec server names every variable of its own', () => {
    const declared = declaredVariables(read('apps/codec-server/src/config.ts'));
    expect(declared.length).toBeGreaterThan(10);
    const { undocumented } = compareNames(declared, documentedVariables(read('apps/codec-server/README.md')));
    expect(undocumented).toEqual([]);
  });

  test('production.md names every metric that a process has, and no other', () => {
    const created = sourcesIn(/^(?:packages|apps)\/[\w-]+\/src\/.*\.ts$/).flatMap((file) =>
      createdMetrics(read(file)),
    );
    expect(created.length).toBeGreaterThan(20);
    expect(compareNames(created, documentedMetrics(read('docs/operations/production.md')))).toEqual(none);
  });

  test('a README names no metric that does not exist', () => {
    const created = sourcesIn(/^(?:packages|apps)\/[\w-]+\/src\/.*\.ts$/).flatMap((file) =>
      createdMetrics(read(file)),
    );
    const found = trackedFiles()
      .filter((file) => file.endsWith('README.md'))
      .flatMap((file) =>
        compareNames(created, documentedMetrics(read(file))).unknown.map((name) => `${file}: ${name}`),
      );
    expect(found).toEqual([]);
  });
});

/** The files of the repository that git knows and that are there. */
function trackedFiles() {
  return execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && existsSync(join(root, file)));
}

/** @param entry of a lockfile */
function hasInstallScript(entry: unknown) {
  return typeof entry === 'object' && entry !== null && 'hasInstallScript' in entry;
}

function sections({
  dependencies: production = {},
  devDependencies = {},
  optionalDependencies = {},
}: Manifest) {
  return { production, devDependencies, optionalDependencies };
}

/** A binary file has no text. */
function textOf(path: string) {
  const bytes = readFileSync(path);
  return bytes.subarray(0, 8000).includes(0) ? '' : bytes.toString('utf8');
}
