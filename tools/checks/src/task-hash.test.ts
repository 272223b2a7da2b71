import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const nxJson = JSON.parse(readFileSync(join(root, 'nx.json'), 'utf8'));

/** What Node decides. */
const TARGETS = ['test', 'it', 'bundle'];

/**
 * A small workspace with the inputs of the real nx.json, whose tasks write down that they ran. What Nx takes from its
 * cache does not run.
 */
let workspace = '';
beforeAll(() => {
  workspace = mkdtempSync(join(tmpdir(), 'heliograph-hash-'));
  const write = (path: string, content: object) =>
    writeFileSync(join(workspace, path), JSON.stringify(content));
  for (const target of TARGETS)
    nxJson.targetDefaults[target] = {
      ...nxJson.targetDefaults[target],
      dependsOn: [],
      outputs: [],
      options: { cwd: '{projectRoot}', command: `echo x >> ../../ran.${target}` },
    };
  write('nx.json', nxJson);
  write('package.json', { name: '@fake/source', private: true, workspaces: ['packages/*'] });
  cpSync(join(root, '.gitignore'), join(workspace, '.gitignore'));
  mkdirSync(join(workspace, 'packages/a'), { recursive: true });
  write('packages/a/package.json', {
    name: '@fake/a',
    version: '0.0.0',
    nx: { targets: Object.fromEntries(TARGETS.map((target) => [target, {}])) },
  });
  symlinkSync(join(root, 'node_modules'), join(workspace, 'node_modules'));
});
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

/** Runs targets and names those that ran; the others came from the cache. */
function ran(targets: readonly string[], env: Readonly<Record<string, string>> = {}): readonly string[] {
  const marks = (target: string) => join(workspace, `ran.${target}`);
  for (const target of targets) rmSync(marks(target), { force: true });
  const nx = join(root, 'node_modules/nx/dist/bin/nx.js');
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:NX_|NODE_OPTIONS$)/.test(name));
  const { status, stdout, stderr } = spawnSync(process.execPath, [nx, 'run-many', '-t', ...targets], {
    cwd: workspace,
    encoding: 'utf8',
    env: {
      ...Object.fromEntries(inherited),
      NX_DAEMON: 'false',
      NX_TUI: 'false',
      NX_CACHE_DIRECTORY: join(workspace, '.nx/cache'),
      NX_WORKSPACE_DATA_DIRECTORY: join(workspace, '.nx/data'),
      ...env,
    },
  });
  expect({ status, output: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, output: '' });
  return targets.filter((target) => existsSync(marks(target)));
}

/** A Node that says it is another release. */
function otherNode() {
  const path = join(workspace, 'other-node');
  writeFileSync(path, '#!/bin/sh\necho v99.0.0,plan9,pdp11\n');
  chmodSync(path, 0o755);
  return path;
}

describe('a result comes from the cache only where nothing has changed that decides it', () => {
  test('tests and bundles run again on another Node', () => {
    expect(ran(TARGETS)).toEqual(TARGETS);
    expect(ran(TARGETS)).toEqual([]);
    expect(ran(TARGETS, { TEST_NODE: otherNode() })).toEqual(TARGETS);
    expect(ran(TARGETS)).toEqual([]);
  }, 60_000);

  test.each([
    ['TEMPORAL_SERVER_IDENTITY', 'server 1.99.0', ['it']],
    ['TEMPORAL_CLI_PATH', 'elsewhere', ['it']],
    ['NODE_OPTIONS', '--no-deprecation', TARGETS],
    ['TZ', 'Asia/Kathmandu', TARGETS],
  ])(
    'with another %s',
    (name, value, expected) => {
      expect(ran(TARGETS, { [name]: value })).toEqual(expected);
    },
    60_000,
  );
});
