import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Manifest {
  readonly name?: string;
  readonly private?: boolean;
  readonly engines?: { node?: string };
  readonly exports?: string | Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
  readonly allowScripts?: Readonly<Record<string, boolean>>;
  readonly nx?: { readonly targets?: Readonly<Record<string, { readonly inputs?: readonly unknown[] }>> };
}

type WorkspacePackage = { readonly folder: string; readonly manifest: Manifest };

const GROUPS = ['packages', 'apps', 'tools'];

/** Every package.json of the repository; the root's folder is the empty text. */
export function readManifests(root: string): readonly WorkspacePackage[] {
  const folders = GROUPS.filter((group) => existsSync(join(root, group)))
    .flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`))
    .filter((folder) => existsSync(join(root, folder, 'package.json')));
  return ['', ...folders].map((folder) => ({
    folder,
    manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')),
  }));
}

/** The packages that are published: those under packages/ that are not private. */
export function readPublished(
  root: string,
): readonly (WorkspacePackage & { readonly manifest: { readonly name: string } })[] {
  return readManifests(root).flatMap(({ folder, manifest }) =>
    folder.startsWith('packages/') && manifest.private !== true
      ? [{ folder, manifest: { ...manifest, name: manifest.name ?? folder } }]
      : [],
  );
}

/** All dependencies that packages declare, whatever for. */
export function declaredDependencies(
  packages: readonly WorkspacePackage[],
): readonly { folder: string; name: string; version: string }[] {
  return packages.flatMap(({ folder, manifest }) =>
    [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]
      .flatMap((section) => Object.entries(section ?? {}))
      .map(([name, version]) => ({ folder, name, version })),
  );
}
