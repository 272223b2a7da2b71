import type { Notification, Outcome } from '@heliograph/notifier';
import { type ChannelRegistry, createChannelRegistry } from '@heliograph/notifier/channels';
import type { Client } from '@temporalio/client';
import { createDispatchActivities } from '../activities/index.ts';
import type { DispatchActivities } from '../contract/dispatch-activities.ts';
import type { IssueSignal, IssueStatus } from '../contract/issue-signal.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import { signalOf } from '../routing/group-issues.ts';
import { createMemoryStores } from './model/create-memory-stores.ts';
import { createMemoryTables } from './model/memory-tables.ts';
import { appDraft, newIssue, routeDraft } from './store-drafts.ts';

/** The real activities on stores in memory, and a receiver that answers as it is told, and then accepts everything. */
export async function scriptedReceiver(client: Client, stream: StreamKey, ...answers: readonly Outcome[]) {
  const tables = createMemoryTables(Date.now);
  const { ledger, ...stores } = createMemoryStores(tables);
  const policy = { version: 1, renotifyIntervalMs: null, maxSignalAgeMs: 3_600_000 };
  await stores.connectedApps.create(stream.connectedAppId, appDraft());
  await stores.routes.create(
    stream.routeId,
    routeDraft({ query: '*', connectedAppIds: [stream.connectedAppId] }),
  );
  const script = [...answers];
  const received: Notification[] = [];
  const registry = createChannelRegistry([]);
  const channels: ChannelRegistry = {
    ...registry,
    deliver: async ({ notification }) => {
      received.push(notification);
      return script.shift() ?? { kind: 'delivered', externalId: null, status: 200 };
    },
  };
  const activities: DispatchActivities = createDispatchActivities({ ...stores, ledger, client, channels });
  let inserts = 0;
  return {
    activities,
    received,
    tables,
    stores,
    /** Stores an issue of the stream, and gives the signal about it. */
    async report(status: IssueStatus): Promise<IssueSignal> {
      const { fingerprint } = stream;
      await stores.issues.append([newIssue({ fingerprint, status })], `insert ${++inserts}`);
      const row = tables.issues.at(-1);
      if (row === undefined) throw new Error('nothing was stored');
      return signalOf(row.issue, policy);
    },
  };
}
