import type { Situation } from '../situation.ts';
import { createRouted, fire, makeWait } from './routed.ts';

/** Situations in which a stream decides to stay silent. */
export const SILENT: readonly Situation[] = [
  {
    reason: 'continuing',
    title: 'it is still firing, and the route never renotifies',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'continuing');
      await fire(ground, 'continuing', routeId);
      for (let time = 0; time < 3; time++) await ground.report('continuing', 'firing');
      return { fingerprint: 'continuing', eventId: await ground.report('continuing', 'firing'), routeId };
    },
  },
  {
    reason: 'renotify_not_due',
    title: 'it is still firing, and the renotification interval has not passed',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'notdue', { renotifyIntervalMs: 900_000 });
      await fire(ground, 'notdue', routeId);
      return { fingerprint: 'notdue', eventId: await ground.report('notdue', 'firing'), routeId };
    },
  },
  {
    reason: 'suppressed',
    title: 'the monitor reports it as suppressed',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'suppressed');
      return { fingerprint: 'suppressed', eventId: await ground.report('suppressed', 'suppressed'), routeId };
    },
  },
  {
    reason: 'resolved_without_notification',
    title: 'it resolves, and nobody was notified that it fired',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'nothingopen');
      return { fingerprint: 'nothingopen', eventId: await ground.report('nothingopen', 'resolved'), routeId };
    },
  },
  {
    reason: 'older_than_last',
    title: 'it became visible only after a newer issue was decided',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'late');
      const newer = await fire(ground, 'late', routeId);
      const { position } = await ground.explain({ fingerprint: 'late', eventId: newer });
      const eventId = await ground.write('late', { position: String(BigInt(position) - 1n) });
      return { fingerprint: 'late', eventId, routeId };
    },
  },
  {
    reason: 'superseded_by_newer',
    title: 'it waited in the backlog, and a newer issue of its stream took its place',
    async play(ground) {
      const routed = await createRouted(ground, 'waitedtwice');
      await makeWait(ground, 'waitedtwice', routed);
      const { routeId } = routed;
      const question = {
        fingerprint: 'waitedtwice',
        eventId: await ground.report('waitedtwice', 'firing'),
        routeId,
      };
      await ground.untilShown(question, { reason: 'waiting_in_backlog' });
      const newer = await ground.report('waitedtwice', 'firing');
      await ground.untilShown({ ...question, eventId: newer }, { reason: 'waiting_in_backlog' });
      await ground.sql`update dispatch.stream_backlog set next_attempt_at = now() where route_id = ${routeId}`;
      return question;
    },
  },
  {
    reason: 'stale',
    title: 'it is two hours old when a scan finds it',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'stale');
      const stored = new Date(Date.now() - 2 * 3_600_000).toISOString();
      return { fingerprint: 'stale', eventId: await ground.write('stale', { stored_at: stored }), routeId };
    },
  },
];
