import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { followPolicyFile } from './follow-policy-file.ts';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'policy-'));
  file = join(directory, 'policy.yaml');
  await writeFile(file, policyFor('developer'));
});
afterEach(() => rm(directory, { recursive: true }));

const policyFor = (role: string): string =>
  `version: 1\nelevated: []\nrules:\n  - { roles: [${role}], namespaces: ['*'], domains: ['*'], actions: [decode] }\n...\n`;

test('a changed file is in use after its next reading, and a wrong one changes nothing', async () => {
  const problems: string[] = [];
  const followed = await followPolicyFile(file, { onProblem: (error) => problems.push(String(error)) });
  try {
    const roles = (): unknown => followed.current().policy.rules[0]?.roles;
    await writeFile(file, policyFor('support'));
    await followed.reload();
    expect(roles()).toEqual(['support']);
    for (const wrong of [
      policyFor('auditor').replace('decode', 'decrypt'),
      '',
      policyFor('auditor').replace('...\n', ''),
    ]) {
      await writeFile(file, wrong);
      await followed.reload();
      expect(roles()).toEqual(['support']);
    }
    await rename(file, `${file}.away`);
    await followed.reload();
    await followed.reload();
    expect(roles()).toEqual(['support']);
    expect(problems).toEqual([
      expect.stringMatching(/policy\.yaml, line 4, column \d+: rules\.0\.actions\.0: expected/),
      expect.stringContaining('line 1, column 1: expected an object'),
      expect.stringContaining('policy.yaml, line 5, column 1: it does not end in a line of three dots'),
      expect.stringContaining('cannot be read (ENOENT)'),
    ]);
    expect(followed.problem()).not.toBeNull();
    await writeFile(file, policyFor('auditor'));
    await followed.reload();
    expect([roles(), followed.problem()]).toEqual([['auditor'], null]);
  } finally {
    followed.close();
  }
});

test('a first policy that cannot be used is no start', async () => {
  await writeFile(file, 'version: 1');
  await expect(followPolicyFile(file)).rejects.toMatchObject({ code: 'POLICY_INVALID' });
  await expect(followPolicyFile(`${file}.none`)).rejects.toMatchObject({ code: 'POLICY_UNREADABLE' });
});
