import { type ProgressDetails, readProgress } from '@heliograph/temporal-worker/activities';
import type { ServiceConnection } from '@heliograph/temporal-worker/client';
import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common';
import { tsToDate } from '@temporalio/common/lib/time.js';

/** An activity that runs or waits for its next attempt. */
export interface PendingActivity {
  readonly activityId: string;
  readonly activityType: string;
  readonly attempt: number;
  readonly isRunning: boolean;
  readonly worker: string | null;
  /** When the server last heard of it. */
  readonly heartbeatAt: Date | null;
  readonly nextAttemptAt: Date | null;
  /** The type of its last failure; the message may hold anything. */
  readonly lastFailure: string | null;
  /** `none`: it has sent nothing. `unreadable`: encrypted, and not for us. `other`: not of a long job. */
  readonly details: 'progress' | 'none' | 'unreadable' | 'other';
  readonly progress: ProgressDetails | null;
}

/** PENDING_ACTIVITY_STATE_STARTED. */
const STARTED = 2;

type Service = ServiceConnection['workflowService'];
type Pending = NonNullable<
  Awaited<ReturnType<Service['describeWorkflowExecution']>>['pendingActivities']
>[number];

/** Reads the pending activities of a workflow, and decodes what their heartbeats hold. */
export async function readActivities(
  service: Service,
  {
    namespace,
    workflowId,
    runId,
    codec,
  }: {
    readonly namespace: string;
    readonly workflowId: string;
    readonly runId: string | undefined;
    /** Null: only plain payloads can be read. */
    readonly codec: PayloadCodec | null;
  },
): Promise<readonly PendingActivity[]> {
  const { pendingActivities } = await service.describeWorkflowExecution({
    namespace,
    execution: { workflowId, ...(runId === undefined ? {} : { runId }) },
  });
  return Promise.all(pendingActivities.map((pending) => toActivity(pending, codec)));
}

async function toActivity(pending: Pending, codec: PayloadCodec | null): Promise<PendingActivity> {
  const { lastHeartbeatTime, nextAttemptScheduleTime, lastFailure } = pending;
  const details = await decodeDetails(pending.heartbeatDetails?.payloads?.[0], codec);
  const progress = details.kind === 'read' ? readProgress(details.value) : null;
  const word = details.kind === 'read' ? (progress === null ? 'other' : 'progress') : details.kind;
  return {
    activityId: pending.activityId ?? '',
    activityType: pending.activityType?.name ?? '',
    attempt: pending.attempt ?? 1,
    isRunning: Number(pending.state) === STARTED,
    worker: pending.lastWorkerIdentity || null,
    heartbeatAt: lastHeartbeatTime == null ? null : tsToDate(lastHeartbeatTime),
    nextAttemptAt: nextAttemptScheduleTime == null ? null : tsToDate(nextAttemptScheduleTime),
    lastFailure:
      lastFailure == null
        ? null
        : (lastFailure.applicationFailureInfo?.type ??
          (lastFailure.timeoutFailureInfo ? 'timed out' : 'failed')),
    details: word,
    progress,
  };
}

type Decoded = { readonly kind: 'none' | 'unreadable' } | { readonly kind: 'read'; readonly value: unknown };

async function decodeDetails(payload: Payload | undefined, codec: PayloadCodec | null): Promise<Decoded> {
  if (payload === undefined) return { kind: 'none' };
  const [plain] = codec === null ? [payload] : await codec.decode([payload]);
  if (plain === undefined) return { kind: 'unreadable' };
  try {
    return { kind: 'read', value: defaultPayloadConverter.fromPayload(plain) };
  } catch {
    // An encoding that no converter knows: it is encrypted still.
    return { kind: 'unreadable' };
  }
}
