import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadConfig, type Env } from '@heliograph/service';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { workerVariables } from '../variables.ts';
import { resolveDeployment } from './resolve-deployment.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heliograph-deployment-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const resolve = (env: Env, app: Partial<Parameters<typeof resolveDeployment>[1]> = {}) =>
  resolveDeployment(loadConfig(v.object(workerVariables), env), {
    name: 'tiny',
    packageJson: pathToFileURL(join(folder, 'package.json')),
    isProduction: true,
    ...app,
  });

test('a worker in production is a build of its deployment', async () => {
  await expect(resolve({ HELIOGRAPH_DEPLOYMENT_BUILD_ID: 'r42' })).resolves.toEqual({
    name: 'tiny',
    buildId: 'r42',
    source: 'variable',
  });
  await expect(
    resolve({ HELIOGRAPH_IMAGE: `tiny@sha256:${'0'.repeat(64)}`, HELIOGRAPH_DEPLOYMENT_NAME: 'shop/tiny' }),
  ).resolves.toEqual({ name: 'shop/tiny', buildId: 'sha256-000000000000', source: 'image digest' });
});

test('in a checkout it is the commit and the bundle that runs', async () => {
  const packageJson = new URL('../../package.json', import.meta.url);
  const commit = await resolve({}, { packageJson });
  expect(commit).toEqual({
    name: 'tiny',
    buildId: expect.stringMatching(/^[0-9a-f]{12}(?:-dirty-[0-9a-f]{8})?$/),
    source: 'git',
  });
  const ids = ['one', 'two', 'one'].map(async (code) => {
    const resolved = await resolve({}, { packageJson, workflowBundle: { code } });
    return resolved?.buildId;
  });
  const [one, two, again] = await Promise.all(ids);
  expect(one?.startsWith(`${commit?.buildId}-bundle-`)).toBe(true);
  expect(one).toBe(again);
  expect(one).not.toBe(two);
});

test('in a checkout that does not track the app, nothing names it', async () => {
  const packageJson = new URL('../../no-such-package.json', import.meta.url);
  await expect(resolve({}, { packageJson })).rejects.toThrow(/nothing names the build/);
});

test('outside of production it is unversioned', async () => {
  await expect(resolve({}, { isProduction: false })).resolves.toBeUndefined();
  await expect(resolve({ HELIOGRAPH_DEPLOYMENT_VERSIONING: 'off' })).resolves.toBeUndefined();
});

test.each<[Env, RegExp]>([
  [{}, /^HELIOGRAPH_DEPLOYMENT_BUILD_ID: nothing names the build of this worker; set it, or [^\n]+$/],
  // As an image leaves it whose REVISION was not given.
  [{ HELIOGRAPH_IMAGE_REVISION: '' }, /^HELIOGRAPH_DEPLOYMENT_BUILD_ID: nothing names [^\n]+$/],
  [{ HELIOGRAPH_IMAGE: 'tiny:v1' }, /^HELIOGRAPH_DEPLOYMENT_BUILD_ID: .*has no digest[^\n]+$/],
  [{ HELIOGRAPH_DEPLOYMENT_BUILD_ID: 'unknown' }, /^HELIOGRAPH_DEPLOYMENT_BUILD_ID: expected an id [^\n]+$/],
])('with %j it does not start', async (env, line) => {
  await expect(resolve(env)).rejects.toMatchObject({
    code: 'SERVICE_CONFIG_INVALID',
    message: expect.stringMatching(line),
  });
});

test.each(['a.b', 'a:b', '__a'])('a deployment is not named %s', async (name) => {
  const env = { HELIOGRAPH_DEPLOYMENT_NAME: name, HELIOGRAPH_DEPLOYMENT_BUILD_ID: 'r42' };
  expect(() => loadConfig(v.object(workerVariables), env)).toThrow(
    'HELIOGRAPH_DEPLOYMENT_NAME: expected a name of letters, digits and _ / + -, at most 128',
  );
});
