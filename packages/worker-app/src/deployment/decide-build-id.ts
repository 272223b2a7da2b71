/** What a worker knows about the build that it runs. */
export interface BuildFacts {
  /** HELIOGRAPH_DEPLOYMENT_VERSIONING; left out, a build id or NODE_ENV=production turns versioning on. */
  readonly versioning: 'on' | 'off' | undefined;
  readonly isProduction: boolean;
  /** HELIOGRAPH_DEPLOYMENT_BUILD_ID */
  readonly buildId: string | undefined;
  /** HELIOGRAPH_IMAGE: the reference that the container was started from; only one with a digest names a build. */
  readonly image: string | undefined;
  /** HELIOGRAPH_IMAGE_REVISION: what the image was built from, its label `org.opencontainers.image.revision`. */
  readonly imageRevision: string | undefined;
  /** The checkout that the app runs from; null if it runs from none. */
  readonly git: GitState | null;
  /** The SHA-256 of the workflow bundle that the app runs, in hexadecimal; null if it has none. */
  readonly bundle: string | null;
}

/** A checkout: the commit, and a hash of what differs from it, null if nothing does. */
export interface GitState {
  readonly commit: string;
  readonly changes: string | null;
}

/** Whether a worker is versioned, and as which build. */
export type BuildDecision =
  | { readonly kind: 'unversioned' }
  | { readonly kind: 'versioned'; readonly buildId: string; readonly source: BuildSource }
  /** The worker must not start; `variable` is the one to set, `detail` one line. */
  | { readonly kind: 'refused'; readonly variable: string; readonly detail: string };

/** Where a build id comes from, the first that is there. */
export type BuildSource = 'variable' | 'image digest' | 'image revision' | 'git';

const VARIABLE = 'HELIOGRAPH_DEPLOYMENT_BUILD_ID';

/** What a pipeline leaves behind when it does not know. Two different builds would share such an id. */
const PLACEHOLDERS: ReadonlySet<string> = new Set(
  'unknown undefined null none latest head main master dev development local dirty'.split(' '),
);

/** Part of a quoted query and of a version `deployment:build`; so no quotes, colons and unexpanded `${…}`. */
const BUILD_ID = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/;

/** Whether workers are versioned at all. */
export function isVersioned({ versioning, isProduction, buildId }: BuildFacts): boolean {
  return versioning === undefined ? isProduction || buildId !== undefined : versioning === 'on';
}

/**
 * Decides which build a worker is: the variable, else the digest of the image, else the revision that the image was built
 * from, else the commit of the checkout, marked if its files differ from it, with the bundle that runs: git does not track what
 * was built, so a commit alone would not tell yesterday's bundle from today's. Unversioned where versioning is off. Refused
 * where nothing names the build, or a placeholder does: such a worker would replay histories of another build.
 */
export function decideBuildId(facts: BuildFacts): BuildDecision {
  if (!isVersioned(facts)) return { kind: 'unversioned' };
  const { buildId, image, imageRevision, git, bundle } = facts;
  if (buildId !== undefined) return named(VARIABLE, buildId, 'variable');
  const digest = /@sha256:([0-9a-f]{64})$/.exec(image ?? '')?.[1];
  if (digest !== undefined) return named('HELIOGRAPH_IMAGE', `sha256-${digest.slice(0, 12)}`, 'image digest');
  if (imageRevision !== undefined)
    return named('HELIOGRAPH_IMAGE_REVISION', shorten(imageRevision), 'image revision');
  if (git !== null) {
    const changes = git.changes === null ? '' : `-dirty-${git.changes.slice(0, 8)}`;
    const built = bundle === null ? '' : `-bundle-${bundle.slice(0, 8)}`;
    return named(VARIABLE, `${shorten(git.commit)}${changes}${built}`, 'git');
  }
  const tagged = image === undefined ? '' : ` (the reference in HELIOGRAPH_IMAGE has no digest)`;
  return {
    kind: 'refused',
    variable: VARIABLE,
    detail: `nothing names the build of this worker${tagged}; set it, or HELIOGRAPH_IMAGE to a reference with a digest, or HELIOGRAPH_DEPLOYMENT_VERSIONING=off to run unversioned`,
  };
}

function named(variable: string, buildId: string, source: BuildSource): BuildDecision {
  if (BUILD_ID.test(buildId) && !PLACEHOLDERS.has(buildId.toLowerCase()))
    return { kind: 'versioned', buildId, source };
  return {
    kind: 'refused',
    variable,
    detail:
      'expected an id that no other build has, of letters, digits and . _ + -, at most 128; placeholders such as unknown or latest are refused',
  };
}

/** A whole hash is shortened as git does; anything else stays as it is. */
function shorten(revision: string): string {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(revision) ? revision.slice(0, 12) : revision;
}
