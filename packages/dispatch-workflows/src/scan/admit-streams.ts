import type { RunningAlerts } from './running-alerts.ts';

/**
 * How many times the room that is left an app's running streams may be. Alone, one app holds at most 4/5 of the ceiling;
 * the more apps are busy, the smaller the share of each, and some room always stays for a newcomer.
 */
const SHARE_FACTOR = 4;

/** What is known when a stream of an app is to be started. */
export interface Occupancy {
  /** Alert streams that may run at once. */
  readonly ceiling: number;
  /** Alert streams that run. */
  readonly running: number;
  /** Those of them that belong to the app. */
  readonly ofApp: number;
}

/**
 * Whether an app may start one more alert stream. The share is a dynamic threshold, as switches divide a shared buffer
 * (Choudhury and Hahne, 1998): an app borrows what is idle, and an app with no running stream always finds room below
 * the ceiling.
 */
export function mayStartStream({ ceiling, running, ofApp }: Occupancy): boolean {
  return running < ceiling && ofApp < SHARE_FACTOR * (ceiling - running);
}

/** Streams that a scan may start while it is unknown how many run; each app has its share of these. */
const STARTS_WHEN_COUNT_IS_UNKNOWN = 50;
/** Streams of an app that a scan may start while it is unknown how many of that app run. */
const STARTS_WHEN_APP_IS_UNKNOWN = 5;
/** This part of the ceiling is left to apps that were counted: a newcomer is counted before all others. */
const KEPT_FOR_COUNTED = 0.01;

/** Which alert streams one scan or sweep may start. */
export interface Admission {
  /** Alert streams that ran when it began; null if that is unknown. */
  readonly running: number | null;
  /** Finds out what the shares of these apps are, where that can make a difference for so many starts. */
  readonly prepare: (appIds: readonly string[], starts: number) => Promise<void>;
  /** Takes one start of an app from its share; false where the app may start none. */
  readonly take: (appId: string) => boolean;
  /** How many starts `take` would grant the app in a row, counted up to `atMost`. */
  readonly roomOf: (appId: string, atMost: number) => number;
}

/**
 * The starts that one scan may make. What is unknown is taken as the worst, but never stops everything: an app that was
 * not counted counts as if all running streams were its own, and may start a few below the ceiling all the same. All such
 * apps share half of the room that is left for them, so that however many are busy, room stays for a newcomer.
 */
export async function beginAdmission(
  alerts: Pick<RunningAlerts, 'estimate' | 'estimateOf'>,
  maxRunningAlerts: number,
): Promise<Admission> {
  const running = await alerts.estimate();
  const ceiling =
    running === null ? Math.min(maxRunningAlerts, STARTS_WHEN_COUNT_IS_UNKNOWN) : maxRunningAlerts;
  const before = running ?? 0;
  const counts = new Map<string, number>();
  const started = new Map<string, number>();
  let total = 0;
  const ceilingOfUncounted = ceiling - Math.ceil(ceiling * KEPT_FOR_COUNTED);
  let leftForUncounted = Math.max(0, Math.ceil((ceilingOfUncounted - before) / 2));
  /** By the share of the app, or of what is left for apps that were not counted; null if it may not start. */
  const grantOf = (appId: string, more: number): 'share' | 'uncounted' | null => {
    const own = (started.get(appId) ?? 0) + more;
    const all = before + total + more;
    const counted = running === null ? 0 : counts.get(appId);
    if (mayStartStream({ ceiling, running: all, ofApp: (counted ?? before) + own })) return 'share';
    const isFew = own < STARTS_WHEN_APP_IS_UNKNOWN && more < leftForUncounted;
    return counted === undefined && all < ceilingOfUncounted && isFew ? 'uncounted' : null;
  };
  return {
    running,
    async prepare(appIds, starts) {
      if (running === null || !dependsOnShares({ ceiling, running: before + total, starts })) return;
      for (const [appId, count] of await alerts.estimateOf(appIds)) counts.set(appId, count);
    },
    take(appId) {
      const grant = grantOf(appId, 0);
      if (grant === null) return false;
      if (grant === 'uncounted') leftForUncounted--;
      total++;
      started.set(appId, (started.get(appId) ?? 0) + 1);
      return true;
    },
    roomOf(appId, atMost) {
      let room = 0;
      while (room < atMost && grantOf(appId, room) !== null) room++;
      return room;
    },
  };
}

/**
 * Whether the share of an app can make a difference for so many starts: as long as few streams run in all, no app can
 * have reached its share.
 */
function dependsOnShares({
  ceiling,
  running,
  starts,
}: {
  readonly ceiling: number;
  readonly running: number;
  readonly starts: number;
}): boolean {
  const afterwards = running + starts;
  return !mayStartStream({ ceiling, running: afterwards, ofApp: afterwards });
}
