import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const tools = fileURLToPath(new URL('../../..', import.meta.url));

test('npm start -- --help installs nothing', () => {
  const clone = mkdtempSync(join(tmpdir(), 'heliograph-clone-'));
  try {
    for (const name of ['bootstrap', 'command-line', 'stack'])
      for (const part of ['package.json', 'bin', 'src'])
        if (existsSync(join(tools, name, part)))
          cpSync(join(tools, name, part), join(clone, 'tools', name, part), { recursive: true });
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['tools/bootstrap/bin/run.js', 'tools/stack/bin/start.ts', '--help'],
      // Without npm on it, an installation would fail.
      { cwd: clone, encoding: 'utf8', env: { ...process.env, PATH: '' } },
    );
    expect(stdout).toMatch(/^Usage: npm start -- /);
    expect(stderr).not.toContain('installing');
    expect(status).toBe(0);
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
});
