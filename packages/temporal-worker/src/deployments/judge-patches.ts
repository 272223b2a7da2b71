import type { Deployment } from './deployment.ts';
import type { RunPatches } from './run-patches.ts';

/** Whether code may go; `unknown` where the histories alone cannot say. Anything but `yes` means: keep it. */
export interface PatchAnswer {
  readonly answer: 'yes' | 'no' | 'unknown';
  readonly why: string;
}

/** What open runs of one workflow type say about one patch. */
export interface PatchUse {
  readonly workflowType: string;
  readonly patchId: string;
  /** Open runs of the type; `patched` recorded the id in so many, only `deprecatePatch` in so many, neither in so many. */
  readonly runs: number;
  readonly recorded: number;
  readonly deprecated: number;
  readonly without: number;
  /** May `patched(id)` become `deprecatePatch(id)`, which drops the old path? */
  readonly mayDeprecate: PatchAnswer;
  /** May `deprecatePatch(id)` be removed? */
  readonly mayRemove: PatchAnswer;
}

/** Which builds have which call; without them nothing is answered with `yes` unless no run of the type is open. */
export interface PatchHistory {
  /** The first build whose code has `patched(id)`; all that were created later have it too. */
  readonly introducedIn?: string | undefined;
  /** The first build whose code has `deprecatePatch(id)` instead; all that were created later have it too. */
  readonly deprecatedIn?: string | undefined;
}

/**
 * Judges each patch that an open run has recorded, or the one that is asked for, per workflow type.
 *
 * - **The old path** is needed by a run that passed the place before the patch was there: on replay `patched` is false. A history
 *   does not show that place. A run may even have recorded the id and need both paths, if it passes the place in a loop. But a run
 *   of which every workflow task was completed by a build that has the patch can't need the old path.
 * - **The call** is needed by a run in which `patched` recorded the id, and by one in which it may still do so: any open run, as
 *   long as a build that calls `patched` gets work.
 */
export function judgePatches(
  deployment: Deployment,
  runs: readonly RunPatches[],
  asked: { readonly patchId?: string | undefined; readonly workflowType?: string | undefined } & PatchHistory,
): readonly PatchUse[] {
  const types = new Set(runs.map(({ workflowType }) => workflowType));
  if (asked.workflowType !== undefined) types.add(asked.workflowType);
  return [...types].toSorted().flatMap((workflowType) => {
    const ofType = runs.filter((run) => run.workflowType === workflowType);
    const ids =
      asked.patchId === undefined
        ? [...new Set(ofType.flatMap(({ recorded, deprecated }) => [...recorded, ...deprecated]))].toSorted()
        : [asked.patchId];
    return ids.map((patchId) => judge(deployment, ofType, workflowType, patchId, asked));
  });
}

function judge(
  deployment: Deployment,
  runs: readonly RunPatches[],
  workflowType: string,
  patchId: string,
  { introducedIn, deprecatedIn }: PatchHistory,
): PatchUse {
  const recorded = runs.filter((run) => run.recorded.includes(patchId)).length;
  const deprecated = runs.filter((run) => run.deprecated.includes(patchId)).length;
  const counts = { runs: runs.length, recorded, deprecated, without: runs.length - recorded - deprecated };
  return {
    workflowType,
    patchId,
    ...counts,
    mayDeprecate: mayDeprecate(deployment, runs, introducedIn),
    mayRemove: mayRemove(deployment, recorded, deprecatedIn),
  };
}

function mayDeprecate(
  deployment: Deployment,
  runs: readonly RunPatches[],
  introducedIn: string | undefined,
): PatchAnswer {
  if (introducedIn === undefined)
    return {
      answer: 'unknown',
      why: 'a history does not show whether a run passed the place before the patch was there; say which build introduced it',
    };
  const since = buildsSince(deployment, introducedIn);
  const versions = new Set([...since].map((build) => `${deployment.name}:${build}`));
  const early = runs.filter(({ builds }) => builds.some((build) => !versions.has(build)));
  if (early.length > 0)
    return {
      answer: 'no',
      why: `${early.length} open runs also ran on workers from before ${introducedIn}, such as ${early[0]?.workflowId ?? ''}, and may need the old path`,
    };
  const inUse = earlierInUse(deployment, since);
  if (inUse !== null)
    return {
      answer: 'no',
      why: `${inUse}, from before ${introducedIn}, still gets work and takes the old path`,
    };
  return { answer: 'yes', why: `every open run has only run on builds since ${introducedIn}` };
}

function mayRemove(deployment: Deployment, recorded: number, deprecatedIn: string | undefined): PatchAnswer {
  if (recorded > 0)
    return { answer: 'no', why: `${recorded} open runs have recorded it and do not replay without the call` };
  if (deprecatedIn === undefined)
    return {
      answer: 'unknown',
      why: 'no open run has recorded it, but one may as long as a build calls patched; say which build deprecated it',
    };
  const inUse = earlierInUse(deployment, buildsSince(deployment, deprecatedIn));
  if (inUse !== null)
    return { answer: 'no', why: `${inUse}, from before ${deprecatedIn}, still gets work and may record it` };
  return {
    answer: 'yes',
    why: `no open run has recorded it, and every build that gets work has deprecatePatch`,
  };
}

/** The build and those that were created after it. Unknown ones and those without a time count as earlier. */
function buildsSince({ builds }: Deployment, first: string): ReadonlySet<string> {
  const from = builds.find(({ buildId }) => buildId === first)?.createdAt ?? null;
  return new Set(
    builds
      .filter(({ createdAt }) => from !== null && createdAt !== null && createdAt >= from)
      .map(({ buildId }) => buildId),
  );
}

/** Who of those before gets work, new or of pinned runs; null if nobody does. */
function earlierInUse({ current, ramp, builds }: Deployment, since: ReadonlySet<string>): string | null {
  if (current === null || (ramp !== null && ramp.buildId === null)) return 'unversioned workers';
  const used = builds.find(
    ({ buildId, status }) => !since.has(buildId) && ['current', 'ramping', 'draining'].includes(status),
  );
  return used === undefined ? null : `build ${used.buildId}`;
}
