import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { bundleWorkflows, readWorkflowBundle, writeWorkflowBundle } from './workflow-bundle.ts';

const source = {
  workflows: new URL('../testing/workflows.ts', import.meta.url),
  sourceCondition: '@heliograph/source',
};
const manifest: unknown = createRequire(import.meta.url)('@temporalio/worker/package.json');
const sdkVersion = (manifest as { readonly version: string }).version;
const code = 'the code';
const sha256 = createHash('sha256').update(code).digest('hex');

let directory: string;
let file: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bundle-'));
  file = join(directory, 'workflows.js');
});
afterAll(() => rm(directory, { recursive: true }));

describe('a bundle that was built beforehand', () => {
  beforeEach(async () => {
    await writeFile(file, code);
    await writeFile(`${file}.json`, JSON.stringify({ sdkVersion, sha256 }));
  });

  test('is taken as it was built', async () => {
    await expect(readWorkflowBundle(file)).resolves.toEqual({ code });
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['without its file', () => rm(file), 'TEMPORAL_BUNDLE_MISSING'],
    ['without its manifest', () => rm(`${file}.json`), 'TEMPORAL_BUNDLE_MISSING'],
    ['with a manifest that is no JSON', () => writeFile(`${file}.json`, '{'), 'TEMPORAL_BUNDLE_MISSING'],
    ['with a manifest of something else', () => writeFile(`${file}.json`, '{}'), 'TEMPORAL_BUNDLE_MISSING'],
    ['that was changed', () => writeFile(file, `${code} `), 'TEMPORAL_BUNDLE_CHANGED'],
    [
      'of another SDK',
      () => writeFile(`${file}.json`, JSON.stringify({ sdkVersion: '1.0.0', sha256 })),
      'TEMPORAL_BUNDLE_VERSION',
    ],
  ])('%s is refused, and what to do is said', async (_, damage, errorCode) => {
    await damage();
    await expect(readWorkflowBundle(file)).rejects.toMatchObject({
      name: 'TemporalSetupError',
      code: errorCode,
      retryable: false,
      message: expect.stringContaining('build'),
    });
  });
});

test('what is written can be read, in a folder that was not there', async () => {
  const written = join(directory, 'deep', 'er', 'workflows.js');
  await writeWorkflowBundle(source, written);
  const read = await readWorkflowBundle(written);
  await expect(readFile(written, 'utf8')).resolves.toBe(read.code);
  expect(read.code).toContain('heliograph-trace');
}, 30_000);

test('a failure converter is bundled by its path', async () => {
  const failureConverter = join(directory, 'failure-converter.js');
  await writeFile(failureConverter, "export const failureConverter = { mark: 'of its own' };");
  const bundle = await bundleWorkflows({ ...source, failureConverter });
  expect(bundle.code).toContain("mark: 'of its own'");
}, 30_000);

test('the tracing interceptor is in every bundle', async () => {
  const bundle = await bundleWorkflows(source);
  expect(bundle.code).toContain('heliograph-trace');
}, 30_000);
