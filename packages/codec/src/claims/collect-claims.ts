import { assertOption } from '../contract/assert-option.ts';
import { decideOwner } from './decide-owner.ts';
import type { ClaimRegistry, OwnerRecord } from './claim-registry.ts';
import type { ExecutionDirectory } from './execution-directory.ts';
import type { ClaimName } from './claim-name.ts';
import type { ObjectStore } from './object-store.ts';

/** Options of {@link collectClaims}; durations in milliseconds. */
export interface CollectionOptions {
  readonly registry: ClaimRegistry;
  readonly store: ObjectStore;
  readonly directory: ExecutionDirectory;
  readonly namespace: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /**
   * How long an owner has to be without executions before it is forgotten. It covers the time between an upload and the
   * start of its workflow. Default 86,400,000, at least 600,000.
   */
  readonly graceMs?: number;
  /**
   * Forgets uncertain owners too. Only for an operator who knows that the relatives of their workflows have ended.
   */
  readonly releaseUncertain?: boolean;
  readonly signal?: AbortSignal;
  /** Called after each page, for example with a heartbeat. */
  readonly onProgress?: (progress: Collection) => void;
}

/** What a collection did. */
export interface Collection {
  /** Owners that were looked at. */
  readonly owners: number;
  /** Of these, those that were forgotten. */
  readonly disowned: number;
  /** Of these, those that keep their objects although nothing of them exists, because it was not looked in time. */
  readonly uncertain: number;
  /** Objects that were deleted. */
  readonly deleted: number;
  /** Of these, those that no register knew: leftovers of processes that died. */
  readonly orphans: number;
}

const PAGE = 100;
const never = new AbortController().signal;

/**
 * Deletes the objects that no history names any more. Run it regularly, several times within the retention of the
 * namespace, one collection at a time; it may be ended at any moment, and the next one goes on.
 *
 * 1. It looks for the executions of each owner. One without executions for `graceMs`, and without relatives, is forgotten.
 * 2. An object without owners gets no new ones: from then on an upload of the same payload gets another name.
 * 3. Such objects are deleted, and so are those in the store that no name leads to.
 *
 * @throws CodecError CODEC_OPTIONS_INVALID, CODEC_CLAIMS_UNAVAILABLE; whatever the directory throws. Nothing was then
 *   deleted that anybody names.
 */
export async function collectClaims(options: CollectionOptions): Promise<Collection> {
  const { registry, store, signal = never, graceMs = 86_400_000, onProgress } = options;
  assertOption(graceMs >= 600_000, 'graceMs', 'at least 600,000 ms');
  const counts = { owners: 0, disowned: 0, uncertain: 0, deleted: 0, orphans: 0 };
  const retentionMs = await options.directory.readRetentionMs(signal);
  for await (const records of pagesOfOwners(options, signal)) {
    await lookAt(records, { ...options, graceMs, retentionMs, signal }, counts);
    onProgress?.({ ...counts });
  }
  while ((await registry.condemn(PAGE, signal)) > 0) signal.throwIfAborted();
  for (;;) {
    const names = await registry.listCondemned(PAGE, signal);
    if (names.length === 0) break;
    for (const name of names) {
      await store.remove(name, signal);
      await registry.forget(name, signal);
      counts.deleted++;
    }
    signal.throwIfAborted();
    onProgress?.({ ...counts });
  }
  await removeOrphans(options, signal, counts);
  return counts;
}

async function* pagesOfOwners({ registry, namespace }: CollectionOptions, signal: AbortSignal) {
  let after: OwnerRecord | null = null;
  for (;;) {
    const page: readonly OwnerRecord[] = await registry.listOwners(namespace, { after, limit: PAGE }, signal);
    if (page.length === 0) return;
    yield page;
    signal.throwIfAborted();
    after = page.at(-1) ?? null;
  }
}

async function lookAt(
  records: readonly OwnerRecord[],
  options: CollectionOptions & {
    readonly graceMs: number;
    readonly retentionMs: number;
    readonly signal: AbortSignal;
  },
  counts: { owners: number; disowned: number; uncertain: number },
): Promise<void> {
  const { registry, directory, namespace, now, signal, releaseUncertain = false } = options;
  const workflowIds = [...new Set(records.map(({ workflowId }) => workflowId))];
  const found = await directory.findFamilies(workflowIds, signal);
  for (const record of records) {
    const families = found.get(record.workflowId) ?? null;
    const relatives =
      families === null
        ? await registry.listFamilies({ namespace, workflowId: record.workflowId }, signal)
        : [];
    const hasRelatives = relatives.length > 0 && (await directory.hasAny(relatives, signal));
    const decision = decideOwner(record, { families, hasRelatives }, { ...options, now, releaseUncertain });
    counts.owners++;
    if (decision.kind === 'disown') {
      if (await registry.disown(record, signal)) counts.disowned++;
    } else {
      await registry.observe(record, decision.observation, now, signal);
      if (decision.observation.isUncertain && decision.observation.missingSince !== null) counts.uncertain++;
    }
  }
}

/**
 * An upload registers its name before it stores the object. So a name that is listed in the store and is then not in the
 * register is one that was given up.
 */
async function removeOrphans(
  { registry, store }: CollectionOptions,
  signal: AbortSignal,
  counts: { deleted: number; orphans: number },
): Promise<void> {
  let after: ClaimName | null = null;
  for (;;) {
    const names: readonly ClaimName[] = await store.list({ after, limit: PAGE }, signal);
    if (names.length === 0) return;
    const current = await registry.currentNames(names, signal);
    for (const name of names.filter((candidate) => !current.has(candidate))) {
      await store.remove(name, signal);
      counts.deleted++;
      counts.orphans++;
    }
    signal.throwIfAborted();
    after = names.at(-1) ?? null;
  }
}
