import { cancellationSignal } from '@temporalio/activity';
import {
  type ClaimRegistry,
  collectClaims,
  createTemporalDirectory,
  type ObjectStore,
} from '@heliograph/codec/claims';
import type { KeyRing } from '@heliograph/codec/codecs';
import {
  countPlain,
  type NamespaceSurvey,
  surveyNamespace,
  type SurveyCheckpoint,
} from '@heliograph/codec/survey';
import type { Client } from '@temporalio/client';
import * as v from 'valibot';
import type { MaintenanceActivities } from '../contract/maintenance-activities.ts';
import {
  type CollectionResult,
  type KeyUseReport,
  NOTHING_ROTATED,
  type RotationCounts,
} from '../contract/results.ts';
import { keepCheckpoints } from './heartbeat-checkpoint.ts';
import { type BatchProgress, reencryptBatch } from './reencrypt-batch.ts';

/** Where large payloads are stored outside of histories. */
export interface StoredPayloads {
  readonly store: ObjectStore;
  readonly registry: ClaimRegistry;
}

/** What the activities of maintenance work with. */
export interface MaintenanceDependencies {
  /** Of the namespace that is looked after. */
  readonly client: Pick<Client, 'connection'>;
  readonly namespace: string;
  /** With the keys of every domain of which payloads are stored. */
  readonly keys: KeyRing;
  /** Null where nothing is stored outside of histories. */
  readonly stored: StoredPayloads | null;
  /** Runs that are read at once; default 4, to leave the service to others. */
  readonly concurrency?: number;
  /** How long a workflow id has to be without executions before its objects go, in milliseconds; default a day. */
  readonly graceMs?: number;
  readonly onCollected?: (result: CollectionResult) => void;
  readonly onCounted?: (report: KeyUseReport) => void;
  readonly onRotated?: (counts: RotationCounts) => void;
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const batchSchema: v.GenericSchema<unknown, BatchProgress> = v.object({
  after: v.nullable(v.string()),
  counts: v.object({
    current: count,
    reencrypted: count,
    rewrapped: v.optional(count, 0),
    gone: count,
    foreign: count,
    failed: v.record(v.string(), count),
  }),
});
/** Written by this activity itself, and encrypted as everything that it leaves with the server. */
const surveySchema: v.GenericSchema<unknown, SurveyCheckpoint> = v.custom<SurveyCheckpoint>(
  (value) => typeof value === 'object' && value !== null && 'phase' in value && 'survey' in value,
);

const NOTHING_COLLECTED: CollectionResult = { owners: 0, disowned: 0, uncertain: 0, deleted: 0, orphans: 0 };

/** Creates the activities of the task queue `codec-maintenance`. */
export function createMaintenanceActivities(dependencies: MaintenanceDependencies): MaintenanceActivities {
  const { client, namespace, keys, stored, concurrency = 4, graceMs } = dependencies;
  const { workflowService } = client.connection;
  return {
    collectStored: async () => {
      if (stored === null) return NOTHING_COLLECTED;
      const checkpoints = keepCheckpoints(v.never());
      try {
        const result = await collectClaims({
          ...stored,
          directory: createTemporalDirectory({ workflowService, namespace }),
          namespace,
          now: Date.now(),
          signal: cancellationSignal(),
          ...(graceMs === undefined ? {} : { graceMs }),
        });
        dependencies.onCollected?.(result);
        return result;
      } finally {
        checkpoints.stop();
      }
    },
    reencryptStored: async (after) => {
      if (stored === null) return { counts: NOTHING_ROTATED, next: null };
      const checkpoints = keepCheckpoints(batchSchema);
      try {
        const progress = checkpoints.last ?? { after, counts: NOTHING_ROTATED };
        const { store } = stored;
        const batch = await reencryptBatch(
          { store, keys, namespace },
          progress,
          cancellationSignal(),
          (now) => checkpoints.save(now),
        );
        dependencies.onRotated?.(batch.counts);
        return batch;
      } finally {
        checkpoints.stop();
      }
    },
    countKeyUse: async () => {
      const checkpoints = keepCheckpoints(surveySchema);
      try {
        const report = toReport(
          await surveyNamespace({
            service: workflowService,
            namespace,
            concurrency,
            signal: cancellationSignal(),
            onProgress: (_, checkpoint) => checkpoints.save(checkpoint),
            ...(checkpoints.last === null ? {} : { checkpoint: checkpoints.last }),
          }),
        );
        dependencies.onCounted?.(report);
        return report;
      } finally {
        checkpoints.stop();
      }
    },
  };
}

function toReport(survey: NamespaceSurvey): KeyUseReport {
  return {
    keys: survey.keys.map(({ domain, keyId, open, retained, schedules }) => ({
      domain,
      keyId,
      uses: open + retained + schedules,
    })),
    plain: countPlain(survey),
    isOverflown: survey.isOverflown,
  };
}
