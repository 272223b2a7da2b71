import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import * as v from 'valibot';
import { TemporalSetupError } from '../errors.ts';

/** Written beside a bundle, so that a worker can decide whether it may run it. */
const manifestSchema = v.object({ sdkVersion: v.string(), sha256: v.string() });

/** The content of a bundle. */
export interface WorkflowBundleSource {
  /** The module that exports the workflows. */
  readonly workflows: URL | string;
  /** Further workflow interceptor modules; tracing and versioning are always in. */
  readonly interceptorModules?: readonly (URL | string)[];
  /**
   * The module that exports the `failureConverter` of workflows; default the SDK's. Workers and clients take theirs by the
   * same path, in their data converter.
   */
  readonly failureConverter?: URL | string;
  /** Export condition under which workspace packages are read from source; for tests. */
  readonly sourceCondition?: string;
}

/**
 * Bundles workflow code with our interceptors. Replays need the same interceptors, so every bundle,
 * also a test's, is made here.
 */
export async function bundleWorkflows(source: WorkflowBundleSource): Promise<{ readonly code: string }> {
  const { sourceCondition: condition, failureConverter } = source;
  return bundleWorkflowCode({
    workflowsPath: pathOf(source.workflows),
    workflowInterceptorModules: [
      interceptorModule('tracing'),
      interceptorModule('versioning'),
      ...(source.interceptorModules ?? []).map(pathOf),
    ],
    logger: new DefaultLogger('WARN'),
    ...(failureConverter === undefined ? {} : { failureConverterPath: pathOf(failureConverter) }),
    ...(condition === undefined
      ? {}
      : {
          webpackConfigHook: (config) => ({
            ...config,
            resolve: { ...config.resolve, conditionNames: [condition, '...'] },
          }),
        }),
  });
}

/** Bundles and writes `file` and, beside it, `<file>.json` with the SDK version and the checksum. */
export async function writeWorkflowBundle(source: WorkflowBundleSource, file: string | URL): Promise<void> {
  const path = pathOf(file);
  const { code } = await bundleWorkflows(source);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, code);
  await writeFile(`${path}.json`, `${JSON.stringify({ sdkVersion: sdkVersion(), sha256: sha256(code) })}\n`);
}

/**
 * Reads a bundle that was built beforehand, checks it, and returns it in the form that a worker takes.
 *
 * @throws {TemporalSetupError} TEMPORAL_BUNDLE_MISSING, TEMPORAL_BUNDLE_CHANGED (file and manifest differ) or
 * TEMPORAL_BUNDLE_VERSION (built with another SDK version; both must be the same).
 */
export async function readWorkflowBundle(file: string | URL): Promise<{ readonly code: string }> {
  const path = pathOf(file);
  let code: string;
  let manifest: v.InferOutput<typeof manifestSchema>;
  try {
    code = await readFile(path, 'utf8');
    manifest = v.parse(manifestSchema, JSON.parse(await readFile(`${path}.json`, 'utf8')));
  } catch (error) {
    throw new TemporalSetupError(
      'TEMPORAL_BUNDLE_MISSING',
      `no workflow bundle at ${path}; build it with: npm run build`,
      {
        cause: error,
      },
    );
  }
  if (manifest.sdkVersion !== sdkVersion()) {
    throw new TemporalSetupError(
      'TEMPORAL_BUNDLE_VERSION',
      `the workflow bundle ${path} was built with SDK ${manifest.sdkVersion}, this worker runs ${sdkVersion()}; rebuild it with: npm run build`,
    );
  }
  if (manifest.sha256 !== sha256(code)) {
    throw new TemporalSetupError(
      'TEMPORAL_BUNDLE_CHANGED',
      `the workflow bundle ${path} has changed since it was built; rebuild it with: npm run build`,
    );
  }
  return { code };
}

function interceptorModule(name: 'tracing' | 'versioning'): string {
  const extension = fileURLToPath(import.meta.url).endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`../workflows/${name}${extension}`, import.meta.url));
}

function pathOf(file: string | URL): string {
  return typeof file === 'string' ? file : fileURLToPath(file);
}

function sdkVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('@temporalio/worker/package.json');
  return v.parse(v.object({ version: v.string() }), manifest).version;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
