import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { type BundleOptions, bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { FAILURE_CONVERTER_PATH } from './codec-plugin.ts';
import { encodesFailures } from './encodes-failures.ts';

const testing = (file: string): string => fileURLToPath(new URL(`../testing/${file}`, import.meta.url));
const bundle = async (options: Partial<BundleOptions>): Promise<string> => {
  const logger = new DefaultLogger('ERROR');
  return (await bundleWorkflowCode({ workflowsPath: testing('workflows.ts'), logger, ...options })).code;
};
const minified: Partial<BundleOptions> = {
  webpackConfigHook: (config) => ({
    ...config,
    mode: 'production',
    devtool: false,
    optimization: { minimize: true },
  }),
};
const withConverter = { failureConverterPath: FAILURE_CONVERTER_PATH };

describe('failures are encoded by a bundle', () => {
  test.each<[string, Partial<BundleOptions>]>([
    ['with the failure converter', withConverter],
    ['that is minified', { ...withConverter, ...minified }],
  ])(
    '%s',
    async (_, options) => {
      expect(encodesFailures(await bundle(options))).toBe(true);
    },
    30_000,
  );
});

describe('failures are not encoded by a bundle', () => {
  test.each<[string, Partial<BundleOptions>]>([
    ['without the failure converter', {}],
    ['without it that is minified', minified],
    ['that mentions it', { workflowsPath: testing('mentioning-workflows.ts') }],
    ['that mentions it and has another one', { failureConverterPath: testing('mentioning-workflows.ts') }],
  ])(
    '%s',
    async (_, options) => {
      expect(encodesFailures(await bundle(options))).toBe(false);
    },
    30_000,
  );

  test.each([
    ['that is empty', ''],
    ['that is no code', '}'],
    ['that is none of the SDK', 'globalThis.answer = true; true'],
    ['that only claims it', '"heliograph/encodes-failures/1"; var __TEMPORAL__ = { encodesFailures: true };'],
    ['that throws', 'throw new Error("no")'],
  ])('%s', (_, code) => {
    expect(encodesFailures(code)).toBe(false);
  });
});
