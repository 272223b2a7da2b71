import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Manifest
 * @property {string} [name]
 * @property {boolean} [private]
 * @property {{ node?: string }} [engines]
 * @property {string | Readonly<Record<string, unknown>>} [exports]
 * @property {Readonly<Record<string, string>>} [dependencies]
 * @property {Readonly<Record<string, string>>} [devDependencies]
 * @property {Readonly<Record<string, string>>} [optionalDependencies]
 * @property {Readonly<Record<string, string>>} [overrides]
 * @property {Readonly<Record<string, boolean>>} [allowScripts]
 *
 * @typedef {{ readonly folder: string, readonly manifest: Manifest }} WorkspacePackage
 */

const GROUPS = ['packages', 'apps', 'tools'];

/**
 * Every package.json of the repository; the root's folder is the empty text.
 * @param {string} root
 * @returns {readonly WorkspacePackage[]}
 */
export function readManifests(root) {
  const folders = GROUPS.filter((group) => existsSync(join(root, group)))
    .flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`))
    .filter((folder) => existsSync(join(root, folder, 'package.json')));
  return ['', ...folders].map((folder) => ({
    folder,
    manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')),
  }));
}

/**
 * The packages that are published: those under packages/ that are not private.
 * @param {string} root
 * @returns {readonly (WorkspacePackage & { readonly manifest: { readonly name: string } })[]}
 */
export function readPublished(root) {
  return readManifests(root).flatMap(({ folder, manifest }) =>
    folder.startsWith('packages/') && manifest.private !== true
      ? [{ folder, manifest: { ...manifest, name: manifest.name ?? folder } }]
      : [],
  );
}

/**
 * All dependencies that packages declare, whatever for.
 * @param {readonly WorkspacePackage[]} packages
 * @returns {readonly { folder: string, name: string, version: string }[]}
 */
export function declaredDependencies(packages) {
  return packages.flatMap(({ folder, manifest }) =>
    [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]
      .flatMap((section) => Object.entries(section ?? {}))
      .map(([name, version]) => ({ folder, name, version })),
  );
}
