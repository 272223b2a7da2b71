import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '@heliograph/service';
import type { ConfigOf, workerVariables } from '../variables.ts';
import { type BuildSource, decideBuildId, isVersioned, type BuildFacts } from './decide-build-id.ts';
import { readGit } from './read-git.ts';

/** A versioned worker's deployment and build. */
export interface ResolvedDeployment {
  readonly name: string;
  readonly buildId: string;
  readonly source: BuildSource;
}

/**
 * Says which build of which deployment a worker is; undefined for an unversioned one. Git is asked only if no variable names
 * the build.
 *
 * @throws {ConfigError} if workers are versioned and nothing names the build, or a placeholder does.
 */
export async function resolveDeployment(
  config: ConfigOf<typeof workerVariables>,
  app: {
    readonly name: string;
    readonly packageJson: URL;
    readonly isProduction: boolean;
    readonly workflowBundle?: { readonly code: string } | undefined;
  },
): Promise<ResolvedDeployment | undefined> {
  const known: BuildFacts = {
    versioning: config.HELIOGRAPH_DEPLOYMENT_VERSIONING,
    isProduction: app.isProduction,
    buildId: config.HELIOGRAPH_DEPLOYMENT_BUILD_ID,
    image: config.HELIOGRAPH_IMAGE,
    imageRevision: config.HELIOGRAPH_IMAGE_REVISION,
    git: null,
    bundle: app.workflowBundle === undefined ? null : sha256(app.workflowBundle.code),
  };
  const isNamed = known.buildId !== undefined || known.imageRevision !== undefined;
  const git = !isVersioned(known) || isNamed ? null : await gitOf(fileURLToPath(app.packageJson));
  const decision = decideBuildId({ ...known, git });
  if (decision.kind === 'unversioned') return undefined;
  if (decision.kind === 'refused')
    throw new ConfigError([{ variable: decision.variable, detail: decision.detail }]);
  const name = config.HELIOGRAPH_DEPLOYMENT_NAME ?? app.name;
  return { name, buildId: decision.buildId, source: decision.source };
}

function gitOf(packageJson: string) {
  return readGit(dirname(packageJson), basename(packageJson));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
