import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readJsonFile } from '../atomic-file.ts';
import { StackError, messageOf } from '../errors.ts';
import type { RegisteredApp } from './app-definition.ts';

/** Lists the packages under `apps/` that register with the stack, without loading them. */
export function findApps(root: string): readonly { packageName: string; folder: string; module: string }[] {
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

function isRegistered(manifest: unknown): manifest is { name: string; heliograph: { stack: string } } {
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
 * Loads the registered apps of the repository at `root`, in the order in which they start.
 * @throws {StackError} STACK_APP_INVALID
 */
export async function loadApps(root: string): Promise<readonly RegisteredApp[]> {
  const apps = await Promise.all(findApps(root).map(load));
  return apps.toSorted((one, other) => (one.definition.order ?? 0) - (other.definition.order ?? 0));
}

/**
 * Loads one registered app of the repository at `root` by the name of its folder.
 * @throws {StackError} STACK_APP_INVALID
 */
export async function loadApp(root: string, name: string): Promise<RegisteredApp> {
  const apps = findApps(root);
  const found = apps.find(({ folder }) => basename(folder) === name);
  if (found === undefined) {
    const known = apps.map(({ folder }) => basename(folder)).join(', ');
    throw new StackError('STACK_APP_INVALID', `there is no app ${name}; registered are ${known || 'none'}`);
  }
  return load(found);
}

async function load({
  packageName,
  folder,
  module,
}: {
  packageName: string;
  folder: string;
  module: string;
}): Promise<RegisteredApp> {
  let definition;
  try {
    ({ default: definition } = await import(pathToFileURL(module).href));
  } catch (error) {
    throw new StackError('STACK_APP_INVALID', `${module} cannot be loaded: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (typeof definition?.name !== 'string' || !Array.isArray(definition.processes)) {
    throw new StackError(
      'STACK_APP_INVALID',
      `${module} must export an AppDefinition by default: { name, processes: [{ role, args }] }`,
    );
  }
  return { packageName, folder, definition };
}
