import type { ScanCursor } from '../contract/scan-state.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import { notificationIdOf } from '../contract/notification-id.ts';
import { DispatchError } from '../contract/errors.ts';
import type { ConnectedAppStore } from '../apps/connected-app-store.ts';
import { toFingerprint } from '../issues/fingerprint.ts';
import type { IntentStore } from '../delivery/intent-store.ts';
import type { IssueFinder } from '../issues/issue-finder.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RouteStore } from '../routing/route-store.ts';
import type { BacklogStore } from '../scan/backlog-store.ts';
import { REPEATED } from '../scan/scan-entries.ts';
import type { StreamFinder } from '../stream/stream-finder.ts';
import { explainAlert } from './explain-alert.ts';
import type { Explanation } from './explanation.ts';
import type { AppPicture, ExplainFacts } from './facts.ts';

/** Where the facts come from. */
export interface ExplainStores {
  readonly issueFinder: IssueFinder;
  readonly issues: Pick<IssueStore, 'read' | 'findEvents'>;
  readonly ledger: Pick<Ledger, 'entriesOf' | 'runsAt'>;
  readonly routes: Pick<RouteStore, 'listAt'>;
  readonly intents: Pick<IntentStore, 'read'>;
  readonly streamFinder: StreamFinder;
  readonly backlog: Pick<BacklogStore, 'listByFingerprint'>;
  readonly connectedApps: Pick<ConnectedAppStore, 'get'>;
}

/** Which issue is to be explained. */
export interface ExplainQuestion {
  /** As a monitor reported it, or as it is stored. */
  readonly fingerprint: string;
  /** The newest issue stored by then, in milliseconds since the epoch; default now. */
  readonly at?: number | undefined;
  /** Only the event of this id. */
  readonly eventId?: string | undefined;
}

/** Explains decisions from what was recorded of them. */
export interface Explainer {
  /** Null if the fingerprint is unknown. Throws `DatabaseError`. */
  explain(question: ExplainQuestion): Promise<Explanation | null>;
}

/** So far a database's clock may be ahead of ours, in milliseconds. */
const CLOCKS_APART_MS = 60_000;

/** An explainer over dispatching's stores; `now` is in milliseconds since the epoch, default the system's clock. */
export function createExplainer(stores: ExplainStores, now: () => number = Date.now): Explainer {
  const { issueFinder, issues, ledger, routes, intents, streamFinder, backlog } = stores;
  return {
    async explain({ fingerprint: given, at: asked, eventId }) {
      const fingerprint = toFingerprint(given);
      const askedAt = now();
      const latest = { fingerprint: given, at: askedAt + CLOCKS_APART_MS };
      const isPast = asked !== undefined && asked < askedAt;
      const found = await issueFinder.findLatest({ ...latest, ...(isPast ? { at: asked } : {}), eventId });
      if (found === null) return null;
      const { key, repeatedAt } = await firstOf(stores, fingerprint, found);
      const [issue, newest, entries, runs, known, waiting, routesNow] = await Promise.all([
        issues.read(key),
        (isPast || eventId !== undefined ? issueFinder.findLatest(latest) : Promise.resolve(found)).then(
          (newestKey) => (newestKey === null ? null : issues.read(newestKey)),
        ),
        ledger.entriesOf(fingerprint, key.position),
        ledger.runsAt(fingerprint, key.position),
        streamFinder.listByFingerprint(fingerprint),
        backlog.listByFingerprint(fingerprint),
        routes.listAt(null),
      ]);
      const seen = entries.find(({ stage }) => stage === 'seen');
      // Revision 0, when no route was there, is left out of an entry.
      const routesThen = seen === undefined ? null : await routes.listAt(seen.configVersion ?? 0);
      const facts: ExplainFacts = {
        fingerprint,
        at: asked ?? askedAt,
        now: askedAt,
        key,
        repeatedAt,
        issue,
        newest,
        entries,
        runs,
        routesThen,
        routesNow,
        intents: [],
        streams: known,
        backlog: waiting,
        apps: [],
      };
      const ids = candidates(facts).map((stream) => notificationIdOf(stream, key.position));
      const withIntents = { ...facts, intents: await intents.read([...new Set(ids)]) };
      // Which streams there are does not depend on the apps, but most apps of most routes are in none of them.
      const appIds = explainAlert(withIntents).routes.flatMap((route) =>
        route.streams.map(({ connectedAppId }) => connectedAppId),
      );
      const apps = await Promise.all([...new Set(appIds)].map((id) => appOf(stores.connectedApps, id)));
      return explainAlert({ ...withIntents, apps: apps.filter((app) => app !== null) });
    },
  };
}

/** A row whose event was stored before matches nothing; what was decided was decided about the first row. */
async function firstOf(
  { ledger, issues }: Pick<ExplainStores, 'ledger' | 'issues'>,
  fingerprint: string,
  found: ScanCursor,
): Promise<{ readonly key: ScanCursor; readonly repeatedAt: number | null }> {
  const entries = await ledger.entriesOf(fingerprint, found.position);
  const repeat = entries.find(
    ({ stage, code, eventId }) => stage === 'seen' && code === REPEATED && eventId === found.eventId,
  );
  if (repeat === undefined) return { key: found, repeatedAt: null };
  const [row, events] = await Promise.all([issues.read(found), issues.findEvents([found.eventId])]);
  const first = events.get(found.eventId)?.[0];
  if (row === null || first === undefined) return { key: found, repeatedAt: null };
  return { key: { position: first.position, eventId: found.eventId }, repeatedAt: row.storedAt };
}

/** Every stream that may have been notified of the issue. */
function candidates({
  fingerprint,
  routesThen,
  routesNow,
  entries,
  streams,
}: ExplainFacts): readonly StreamKey[] {
  const ofRoutes = [...(routesThen ?? []), ...routesNow].flatMap(({ routeId, connectedAppIds }) =>
    connectedAppIds.map((connectedAppId) => ({ fingerprint, routeId, connectedAppId })),
  );
  const ofEntries = entries.flatMap(({ routeId, connectedAppId, apps = [] }) =>
    routeId === undefined
      ? []
      : [...apps, ...(connectedAppId === undefined ? [] : [connectedAppId])].map((id) => ({
          fingerprint,
          routeId,
          connectedAppId: id,
        })),
  );
  return [...ofRoutes, ...ofEntries, ...streams.map(({ stream }) => stream)];
}

async function appOf(connectedApps: ExplainStores['connectedApps'], id: string): Promise<AppPicture | null> {
  try {
    return await connectedApps.get(id);
  } catch (error) {
    if (error instanceof DispatchError && error.code === 'DISPATCH_CONNECTED_APP_NOT_FOUND') return null;
    throw error;
  }
}
