import type { temporal } from '@temporalio/proto';

/** What the history of one open run says about patches. */
export interface RunPatches {
  readonly workflowId: string;
  readonly runId: string;
  readonly workflowType: string;
  /** Ids that `patched` recorded: to replay the run, its code has to call `patched` or `deprecatePatch` with them. */
  readonly recorded: readonly string[];
  /** Ids that `deprecatePatch` recorded: the run replays without a call. */
  readonly deprecated: readonly string[];
  /** The builds that completed its workflow tasks, `deployment:build`; `unversioned` for a worker that had none. */
  readonly builds: readonly string[];
}

type Event = temporal.api.history.v1.IHistoryEvent;

/** What an unversioned worker is called. */
const UNVERSIONED = 'unversioned';

/** Collects from events, in any portions, what matters for patches. */
export function collectPatches() {
  const recorded = new Set<string>();
  const deprecated = new Set<string>();
  const builds = new Set<string>();
  return {
    add(event: Event): void {
      const completed = event.workflowTaskCompletedEventAttributes;
      if (completed) builds.add(versionOf(completed));
      const marker = event.markerRecordedEventAttributes;
      if (marker?.markerName !== 'core_patch') return;
      const patch = readMarker(marker.details ?? {});
      if (patch !== null) (patch.deprecated ? deprecated : recorded).add(patch.id);
    },
    result: (): Pick<RunPatches, 'recorded' | 'deprecated' | 'builds'> => ({
      recorded: [...recorded].toSorted(),
      deprecated: [...deprecated].filter((id) => !recorded.has(id)).toSorted(),
      builds: [...builds].toSorted(),
    }),
  };
}

function versionOf(completed: temporal.api.history.v1.IWorkflowTaskCompletedEventAttributes): string {
  const { deploymentName, buildId } = completed.deploymentVersion ?? {};
  return deploymentName && buildId ? `${deploymentName}:${buildId}` : UNVERSIONED;
}

/**
 * Reads the marker that the SDK's core records for a patch. It is never encrypted. One that cannot be read is counted as recorded
 * under its own name, so that nobody takes the patch for unneeded.
 */
function readMarker(
  details: Readonly<Record<string, temporal.api.common.v1.IPayloads>>,
): { readonly id: string; readonly deprecated: boolean } | null {
  const text = (key: string): string =>
    Buffer.from(details[key]?.payloads?.[0]?.data ?? new Uint8Array()).toString('utf8');
  // Older releases of the core wrote the id as plain bytes.
  if (details['patch-data'] === undefined)
    return {
      id: text('patch_id') || '(unreadable)',
      deprecated: details['deprecated']?.payloads?.[0]?.data?.[0] === 1,
    };
  try {
    const data: unknown = JSON.parse(text('patch-data'));
    if (typeof data === 'object' && data !== null && 'id' in data && typeof data.id === 'string')
      return { id: data.id, deprecated: 'deprecated' in data && data.deprecated === true };
  } catch {
    // Below.
  }
  return { id: '(unreadable)', deprecated: false };
}
