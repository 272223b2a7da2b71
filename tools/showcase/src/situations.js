import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {import('./ground.js').Ground} Ground
 * @typedef {import('./show-reasons.js').Situation} Situation
 */

/** A route to a receiver of its own. @param {Ground} ground @param {string} name @param {object} [more] */
async function routed(ground, name, more = {}) {
  const app = await ground.app(name);
  const route = await ground.route(name, { connectedAppIds: [app.id], ...more });
  return { app, route };
}

/** Fires, and waits until that is told of. @param {Ground} ground @param {string} name */
async function fired(ground, name) {
  const eventId = await ground.report(name, 'firing');
  await ground.untilExplained({ fingerprint: name, eventId }, { reason: 'new', outcome: 'delivered' });
  return eventId;
}

/** Status and faults of a receiver for one stream. @param {string} name @param {number} status @param {number} [retryAfterSeconds] */
const answers = (name, status, retryAfterSeconds) => ({
  streamContains: `-${name}-`,
  fault: /** @type {const} */ ({
    kind: 'status',
    status,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  }),
});

/** @type {readonly Situation[]} */
const TOLD = [
  {
    reason: 'new',
    outcome: 'delivered',
    title: 'it fires, and the receiver limits once',
    async play(ground) {
      await routed(ground, 'new');
      ground.receiver({ ...answers('new', 429, 1), timesPerStream: 1 });
      return { fingerprint: 'new', eventId: await ground.report('new', 'firing') };
    },
  },
  {
    reason: 'new',
    outcome: 'pending',
    title: 'the receiver is down',
    async play(ground) {
      await routed(ground, 'waiting');
      ground.receiver(answers('waiting', 503));
      return { fingerprint: 'waiting', eventId: await ground.report('waiting', 'firing') };
    },
  },
  {
    reason: 'renotify',
    outcome: 'delivered',
    title: 'it fires on, and the interval has passed',
    async play(ground) {
      await routed(ground, 'renotify', { renotifyIntervalMs: 1000 });
      await fired(ground, 'renotify');
      await sleep(1200);
      return { fingerprint: 'renotify', eventId: await ground.report('renotify', 'firing') };
    },
  },
  {
    reason: 'renotify',
    outcome: 'assumed_delivered',
    title: 'a renotification whose answer was lost is not sent again',
    async play(ground) {
      await routed(ground, 'assumed', { renotifyIntervalMs: 1000 });
      await fired(ground, 'assumed');
      await sleep(1200);
      ground.receiver({ streamContains: '-assumed-', fault: { kind: 'close-after-body' } });
      return { fingerprint: 'assumed', eventId: await ground.report('assumed', 'firing') };
    },
  },
  {
    reason: 'suppression_bypass',
    title: 'it fires again after it was suppressed',
    async play(ground) {
      await routed(ground, 'bypass', { renotifyIntervalMs: 3_600_000 });
      await fired(ground, 'bypass');
      const eventId = await ground.report('bypass', 'suppressed');
      await ground.untilExplained({ fingerprint: 'bypass', eventId }, { reason: 'suppressed' });
      return { fingerprint: 'bypass', eventId: await ground.report('bypass', 'firing') };
    },
  },
  {
    reason: 'resolved',
    title: 'it is over, and the answer to that is lost once',
    async play(ground) {
      await routed(ground, 'resolved');
      await fired(ground, 'resolved');
      ground.receiver({
        streamContains: '-resolved-',
        timesPerStream: 1,
        fault: { kind: 'close-after-body' },
      });
      return { fingerprint: 'resolved', eventId: await ground.report('resolved', 'resolved') };
    },
  },
  {
    reason: 'resolve_owed',
    title: 'the resolve was refused, and the sweep asked again',
    async play(ground) {
      await routed(ground, 'owed');
      await fired(ground, 'owed');
      ground.receiver({ ...answers('owed', 400), type: 'alert.resolved', timesPerStream: 1 });
      return { fingerprint: 'owed', eventId: await ground.report('owed', 'resolved') };
    },
  },
];

/** @type {readonly Situation[]} */
const SILENT = [
  {
    reason: 'continuing',
    title: 'it fires on, and the route never renotifies',
    async play(ground) {
      await routed(ground, 'continuing');
      await fired(ground, 'continuing');
      for (let time = 0; time < 3; time++) await ground.report('continuing', 'firing');
      return { fingerprint: 'continuing', eventId: await ground.report('continuing', 'firing') };
    },
  },
  {
    reason: 'renotify_not_due',
    title: 'it fires on before the interval has passed',
    async play(ground) {
      await routed(ground, 'notdue', { renotifyIntervalMs: 900_000 });
      await fired(ground, 'notdue');
      return { fingerprint: 'notdue', eventId: await ground.report('notdue', 'firing') };
    },
  },
  {
    reason: 'suppressed',
    title: 'the monitor reports it as suppressed',
    async play(ground) {
      await routed(ground, 'suppressed');
      return { fingerprint: 'suppressed', eventId: await ground.report('suppressed', 'suppressed') };
    },
  },
  {
    reason: 'resolved_without_notification',
    title: 'it is over, and nobody was told that it fired',
    async play(ground) {
      await routed(ground, 'nothingopen');
      return { fingerprint: 'nothingopen', eventId: await ground.report('nothingopen', 'resolved') };
    },
  },
  {
    reason: 'older_than_last',
    title: 'it became visible only after a newer one was decided',
    async play(ground) {
      await routed(ground, 'late');
      const newer = await fired(ground, 'late');
      const { position } = await ground.explain({ fingerprint: 'late', eventId: newer });
      const eventId = await ground.write('late', { position: String(BigInt(position) - 1n) });
      return { fingerprint: 'late', eventId };
    },
  },
  {
    reason: 'stale',
    title: 'it is two hours old when a scan finds it',
    async play(ground) {
      await routed(ground, 'stale');
      const stored = new Date(Date.now() - 2 * 3_600_000).toISOString();
      return { fingerprint: 'stale', eventId: await ground.write('stale', { stored_at: stored }) };
    },
  },
];

/** @type {readonly Situation[]} */
const GIVEN_UP = [
  {
    reason: 'rejected',
    title: 'the receiver refuses it for good',
    async play(ground) {
      await routed(ground, 'rejected');
      ground.receiver(answers('rejected', 401));
      return { fingerprint: 'rejected', eventId: await ground.report('rejected', 'firing') };
    },
  },
  {
    reason: 'signal_expired',
    title: 'the receiver was down for as long as it was worth telling',
    async play(ground) {
      await routed(ground, 'expired', { maxSignalAgeMs: 3000 });
      ground.receiver(answers('expired', 503));
      return { fingerprint: 'expired', eventId: await ground.report('expired', 'firing') };
    },
  },
  {
    reason: 'signal_expired_rate_limited',
    title: 'the receiver wants to be left alone for longer than it is worth telling',
    async play(ground) {
      await routed(ground, 'limited', { maxSignalAgeMs: 20_000 });
      ground.receiver(answers('limited', 429, 60));
      return { fingerprint: 'limited', eventId: await ground.report('limited', 'firing') };
    },
  },
  {
    reason: 'connected_app_missing',
    title: 'the app is switched off while it waits',
    async play(ground) {
      const { app } = await routed(ground, 'gone');
      ground.receiver({ streamContains: '-gone-', fault: { kind: 'hang' } });
      const eventId = await ground.report('gone', 'firing');
      await sleep(500);
      await ground.changeApp(app.id, { enabled: false });
      return { fingerprint: 'gone', eventId };
    },
  },
  {
    reason: 'issue_missing',
    title: 'its row is deleted before it could be delivered',
    async play(ground) {
      await routed(ground, 'deleted');
      ground.receiver(answers('deleted', 503));
      const eventId = await ground.report('deleted', 'firing');
      await ground.untilExplained({ fingerprint: 'deleted', eventId }, { reason: 'new', outcome: 'pending' });
      // A worker remembers for a while what it has read.
      await ground.stopWorker();
      await ground.clickhouse.command({
        query: 'ALTER TABLE issues DELETE WHERE event_id = {eventId:String}',
        query_params: { eventId },
        clickhouse_settings: { mutations_sync: '1' },
      });
      await ground.startWorker();
      return { fingerprint: 'deleted', eventId };
    },
  },
  {
    reason: 'superseded',
    title: 'its sending was cut off, and the stream decided otherwise when it came to it again',
    async play(ground) {
      const { app, route } = await routed(ground, 'passed');
      await fired(ground, 'passed');
      const eventId = await ground.report('passed', 'firing');
      await ground.untilExplained({ fingerprint: 'passed', eventId }, { reason: 'continuing' });
      const { position } = await ground.explain({ fingerprint: 'passed', eventId });
      // What a worker leaves behind that is killed in the middle, and whose successor is much later.
      const workflowId = `alert-passed-${route.id}-${app.id}`;
      await ground.sql`
        insert into dispatch.delivery_intents (notification_id, workflow_id, fingerprint, route_id, connected_app_id,
          event_id, position, kind, reason, status, provider, decided_at, updated_at)
        values (${`${workflowId}-${position}`}, ${workflowId}, 'passed', ${route.id}, ${app.id}, ${eventId},
          ${position}, 'update', 'renotify', 'intended', 'webhook', now(), now() - interval '1 hour')`;
      return { fingerprint: 'passed', eventId };
    },
  },
  {
    reason: 'secret_unreadable',
    title: 'the key that sealed the secret of the app is gone',
    async play(ground) {
      const { app } = await routed(ground, 'sealed');
      await ground.sql`update dispatch.connected_apps set secret_key_id = 'gone' where id = ${app.id}`;
      return { fingerprint: 'sealed', eventId: await ground.report('sealed', 'firing') };
    },
  },
];

/** @type {readonly Situation[]} */
const NOT_REACHED = [
  {
    reason: 'connected_app_disabled',
    title: 'the app of the route is switched off',
    async play(ground) {
      const app = await ground.app('off', { enabled: false });
      await ground.route('off', { connectedAppIds: [app.id] });
      return { fingerprint: 'off', eventId: await ground.report('off', 'firing') };
    },
  },
  {
    reason: 'not_scanned_yet',
    title: 'the worker is down',
    async play(ground) {
      await routed(ground, 'unscanned');
      await ground.stopWorker();
      return { fingerprint: 'unscanned', eventId: await ground.report('unscanned', 'firing') };
    },
  },
  {
    reason: 'not_decided_yet',
    title: 'the stream was signalled and has written nothing yet',
    async play(ground) {
      await routed(ground, 'undecided');
      const eventId = await ground.report('undecided', 'suppressed');
      await ground.untilExplained({ fingerprint: 'undecided', eventId }, { reason: 'suppressed' });
      const lock = ground.sql.begin(async (tx) => {
        // Reading goes on, writing waits: what a database is like that somebody migrates by hand.
        await tx`lock table dispatch.delivery_intents in exclusive mode`;
        await sleep(6000);
      });
      await sleep(200);
      const next = await ground.report('undecided', 'firing');
      lock.catch(() => undefined);
      return { fingerprint: 'undecided', eventId: next };
    },
  },
  {
    reason: 'decision_not_recorded',
    title: 'somebody deleted what the ledger told of it',
    async play(ground) {
      await routed(ground, 'forgotten');
      await fired(ground, 'forgotten');
      const eventId = await ground.report('forgotten', 'firing');
      await ground.untilExplained({ fingerprint: 'forgotten', eventId }, { reason: 'continuing' });
      const over = await ground.report('forgotten', 'resolved');
      await ground.untilExplained({ fingerprint: 'forgotten', eventId: over }, { reason: 'resolved' });
      // What is still in PostgreSQL would be carried there afterwards.
      await sleep(1500);
      await ground.clickhouse.command({
        query: "ALTER TABLE decision_runs DELETE WHERE fingerprint = 'forgotten'",
        clickhouse_settings: { mutations_sync: '1' },
      });
      return { fingerprint: 'forgotten', eventId };
    },
  },
];

/** @type {readonly Situation[]} */
const ROUTES = [
  {
    reason: 'matched',
    title: 'what every told one has',
    async play(ground) {
      await routed(ground, 'matched');
      return { fingerprint: 'matched', eventId: await fired(ground, 'matched') };
    },
  },
  {
    reason: 'not_matched',
    title: 'no route wants it',
    async play(ground) {
      await ground.route('others', { query: 'severity:critical AND team:(billing OR search)' });
      return { fingerprint: 'unwanted', eventId: await ground.report('unwanted', 'firing') };
    },
  },
  {
    reason: 'route_disabled',
    title: 'the route that wants it is switched off',
    async play(ground) {
      await routed(ground, 'routeoff', { enabled: false });
      return { fingerprint: 'routeoff', eventId: await ground.report('routeoff', 'firing') };
    },
  },
  {
    reason: 'route_removed',
    title: 'the route that would have wanted it was removed before',
    async play(ground) {
      const { route } = await routed(ground, 'removed');
      await ground.removeRoute(route.id);
      return { fingerprint: 'removed', eventId: await ground.report('removed', 'firing') };
    },
  },
  {
    reason: 'route_unreadable',
    title: 'the stored query of a route no longer parses',
    async play(ground) {
      const { route } = await routed(ground, 'unreadable');
      const query = 'severity:(';
      await ground.sql`update dispatch.routes set query = ${query}, version = 2 where id = ${route.id}`;
      await ground.sql`
        insert into dispatch.route_history (route_id, version, name, query, enabled, connected_app_ids, max_signal_age_ms)
        select route_id, 2, name, ${query}, enabled, connected_app_ids, max_signal_age_ms
        from dispatch.route_history where route_id = ${route.id}`;
      const eventId = await ground.report('unreadable', 'firing');
      await ground.untilExplained({ fingerprint: 'unreadable', eventId }, { reason: 'route_unreadable' });
      await ground.removeRoute(route.id);
      return { fingerprint: 'unreadable', eventId };
    },
  },
  {
    reason: 'no_connected_app',
    title: 'the route tells nobody',
    async play(ground) {
      await ground.route('nobody', { connectedAppIds: [] });
      return { fingerprint: 'nobody', eventId: await ground.report('nobody', 'firing') };
    },
  },
  {
    reason: 'route_is_newer',
    title: 'the route was made after the scan',
    async play(ground) {
      await ground.route('older', { query: 'team:billing' });
      const eventId = await ground.report('newer', 'firing');
      await ground.untilExplained({ fingerprint: 'newer', eventId }, { reason: 'not_matched' });
      await routed(ground, 'newer');
      return { fingerprint: 'newer', eventId };
    },
  },
];

/** One situation for every reason, and for some outcomes besides. */
export const SITUATIONS = [...TOLD, ...SILENT, ...GIVEN_UP, ...NOT_REACHED, ...ROUTES];
