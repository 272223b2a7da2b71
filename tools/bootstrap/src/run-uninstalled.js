import { existsSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Runs a script in this process although nothing is installed, as `--help` needs no more than the repository itself: its
 * packages are found by their folders. Where the script imports anything else, or this Node runs no TypeScript, nothing
 * has run.
 * @param {string} root of the repository
 * @param {string} script absolute path
 * @param {readonly string[]} args
 * @returns {Promise<boolean>} whether it ran
 */
export async function runUninstalled(root, script, args) {
  // Older ones have neither: an `import` by name would fail there.
  const { registerHooks } = module;
  if (registerHooks === undefined || process.features.typescript === false) return false;
  const hooks = registerHooks({
    resolve: (specifier, context, next) => next(findSource(root, specifier) ?? specifier, context),
  });
  process.argv = [process.execPath, script, ...args];
  try {
    await import(pathToFileURL(script).href);
    return true;
  } catch (error) {
    if (Object(error).code === 'ERR_MODULE_NOT_FOUND') return false;
    throw error;
  } finally {
    hooks.deregister();
  }
}

/**
 * @param {string} root
 * @param {string} specifier
 */
function findSource(root, specifier) {
  const name = /^@heliograph\/([\w-]+)$/.exec(specifier)?.[1];
  if (name === undefined) return undefined;
  const sources = ['packages', 'tools'].map((folder) => join(root, folder, name, 'src/index.ts'));
  const found = sources.find((source) => existsSync(source));
  return found === undefined ? undefined : pathToFileURL(found).href;
}
