import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readJsonFile } from './atomic-file.js';
import { StackError, messageOf } from './errors.js';

/**
 * @typedef {import('@heliograph/stack').AppDefinition} AppDefinition
 * @typedef {import('@heliograph/stack').ProcessSpec} ProcessSpec
 * @typedef {import('@heliograph/stack').AppContext} AppContext
 * @typedef {{ definition: AppDefinition, packageName: string, folder: string }} RegisteredApp
 */

/**
 * Names the packages under `apps/` that register with the stack, without loading them.
 * @param {string} root
 * @returns {readonly { packageName: string, folder: string, module: string }[]}
 */
export function findApps(root) {
  const apps = join(root, 'apps');
  if (!existsSync(apps)) return [];
  return readdirSync(apps)
    .toSorted()
    .flatMap((name) => {
      const folder = join(apps, name);
      const manifest = readJsonFile(join(folder, 'package.json'));
      if (!isRegistered(manifest)) return [];
      return [{ packageName: manifest.name, folder, module: join(folder, manifest.heliograph.stack) }];
    });
}

/**
 * @param {unknown} manifest
 * @returns {manifest is { name: string, heliograph: { stack: string } }}
 */
function isRegistered(manifest) {
  if (
    typeof manifest !== 'object' ||
    manifest === null ||
    !('name' in manifest) ||
    !('heliograph' in manifest)
  )
    return false;
  const { heliograph } = manifest;
  return (
    typeof heliograph === 'object' &&
    heliograph !== null &&
    'stack' in heliograph &&
    typeof heliograph.stack === 'string'
  );
}

/**
 * Loads the registered apps in the order in which they start. They must be built.
 * @param {string} root
 * @returns {Promise<readonly RegisteredApp[]>}
 * @throws {StackError} STACK_APP_INVALID
 */
export async function loadApps(root) {
  const apps = await Promise.all(
    findApps(root).map(async ({ packageName, folder, module }) => ({
      packageName,
      folder,
      definition: await load(module),
    })),
  );
  return apps.toSorted((one, other) => (one.definition.order ?? 0) - (other.definition.order ?? 0));
}

/**
 * Turns an app's description of a process into one that the stack can supervise.
 * @param {ProcessSpec} spec
 * @param {{ folder: string, env: Readonly<Record<string, string>> }} app
 * @returns {import('./supervised-process.js').ServerSpec}
 */
export function toServerSpec({ readyUrl, what, env, cwd, ...spec }, { folder, env: stackEnv }) {
  return {
    ...spec,
    cwd: cwd ?? folder,
    env: { ...process.env, ...stackEnv, ...env },
    what: what ?? spec.name,
    isReady: async (signal) => readyUrl === undefined || (await fetch(readyUrl, { signal })).status === 200,
  };
}

/**
 * @param {string} module
 * @returns {Promise<AppDefinition>}
 */
async function load(module) {
  let definition;
  try {
    ({ default: definition } = await import(pathToFileURL(module).href));
  } catch (error) {
    throw new StackError('STACK_APP_INVALID', `${module} cannot be loaded: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (typeof definition?.name !== 'string' || typeof definition.processes !== 'function') {
    throw new StackError(
      'STACK_APP_INVALID',
      `${module} must export an AppDefinition by default: { name, processes(context) }`,
    );
  }
  return definition;
}
