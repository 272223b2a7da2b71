import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const MODULE = JSON.stringify(new URL('run-uninstalled.js', import.meta.url).href);

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'heliograph-uninstalled-'));
  write('tools/hello/src/index.ts', "export const hello: string = 'hello';");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** @param {string} name @param {string} code */
function write(name, code) {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
  return path;
}

/** Runs a script of a repository without node_modules, and gives what it and the caller print. @param {string} code */
function run(code) {
  const script = write('tools/one/bin/one.ts', code);
  const caller = write(
    'caller.mjs',
    `import { runUninstalled } from ${MODULE};
     const hasRun = await runUninstalled(${JSON.stringify(root)}, ${JSON.stringify(script)}, ['--help']);
     console.log("has run: " + hasRun);`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, [caller], { encoding: 'utf8' });
  return { stdout, stderr };
}

test('a script that needs packages of the repository only is run with its arguments', () => {
  expect(
    run("import { hello } from '@heliograph/hello'; console.log(hello as string, process.argv[2]);"),
  ).toMatchObject({ stdout: 'hello --help\nhas run: true\n' });
});

test.each(['not-installed', '@heliograph/unknown', '@heliograph/hello/part'])(
  'of a script that needs %s, nothing runs',
  (name) => {
    expect(run(`console.log('started'); import '${name}';`)).toMatchObject({ stdout: 'has run: false\n' });
  },
);

test('the failure of a script is its own', () => {
  expect(run("throw new Error('one failed');").stderr).toContain('one failed');
});
