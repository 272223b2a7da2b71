import { nameClaim } from '../claims/claim-name.ts';
import type { ClaimRegistry, OwnerRecord } from '../claims/claim-registry.ts';

/** Creates a register in memory, with a clock of its own. */
export function createMemoryRegistry(now: () => number = Date.now): ClaimRegistry {
  const names = new Map<string, { name: string; uploads: number }>();
  const owners = new Map<string, OwnerRecord>();
  const families = new Map<string, Set<string>>();
  const condemned = new Set<string>();
  const keyOf = (workflowId: string, id: string) => `${workflowId} ${id}`;
  const of = (record: Pick<OwnerRecord, 'workflowId' | 'id'>) =>
    owners.get(keyOf(record.workflowId, record.id));
  return {
    claim: async (id, { namespace, workflowId }) => {
      const named = names.get(id) ?? { name: nameClaim(id), uploads: 0 };
      named.uploads++;
      names.set(id, named);
      const before = of({ workflowId, id });
      owners.set(keyOf(workflowId, id), {
        id,
        namespace,
        workflowId,
        claimedAt: now(),
        observedAt: null,
        isUncertain: false,
        ...before,
        uploads: (before?.uploads ?? 0) + 1,
        missingSince: null,
      });
      return named.name;
    },
    currentNames: async (asked) => {
      const current = new Set([...names.values()].map(({ name }) => name));
      return new Set(asked.filter((name) => current.has(name)));
    },
    listOwners: async (namespace, { after, limit }) => {
      const from = after === null ? '' : keyOf(after.workflowId, after.id);
      return [...owners]
        .filter(([key, owner]) => owner.namespace === namespace && key > from)
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([, owner]) => owner)
        .slice(0, limit);
    },
    listFamilies: async ({ workflowId }) => [...(families.get(workflowId) ?? [])].toSorted(),
    observe: async (record, observation, at) => {
      const owner = of(record);
      if (owner === undefined) return;
      const isSame = owner.uploads === record.uploads;
      owners.set(keyOf(owner.workflowId, owner.id), {
        ...owner,
        observedAt: at,
        isUncertain: observation.isUncertain,
        missingSince: isSame ? observation.missingSince : null,
      });
      families.set(
        owner.workflowId,
        new Set([...(families.get(owner.workflowId) ?? []), ...observation.families]),
      );
    },
    disown: async (record) => {
      if (of(record)?.uploads !== record.uploads) return false;
      owners.delete(keyOf(record.workflowId, record.id));
      if (![...owners.values()].some(({ workflowId }) => workflowId === record.workflowId))
        families.delete(record.workflowId);
      return true;
    },
    condemn: async (limit) => {
      const owned = new Set([...owners.values()].map(({ id }) => id));
      const idle = [...names].filter(([id]) => !owned.has(id)).slice(0, limit);
      for (const [id, { name }] of idle) {
        names.delete(id);
        condemned.add(name);
      }
      return idle.length;
    },
    listCondemned: async (limit) => [...condemned].toSorted().slice(0, limit),
    forget: async (name) => {
      condemned.delete(name);
    },
  };
}
