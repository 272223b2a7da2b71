import { setTimeout as sleep } from 'node:timers/promises';
import type { Situation } from '../situation.ts';
import { createRouted, fire, makeWait } from './routed.ts';

/** Situations in which no stream has decided, or its decision is not known. */
export const UNDECIDED: readonly Situation[] = [
  {
    reason: 'connected_app_disabled',
    title: 'the connected app of the route is disabled',
    async play(ground) {
      const appId = await ground.createApp('off', { enabled: false });
      const routeId = await ground.createRoute('off', { connectedAppIds: [appId] });
      return { fingerprint: 'off', eventId: await ground.report('off', 'firing'), routeId };
    },
  },
  {
    reason: 'waiting_in_backlog',
    title: 'its stream waits in the backlog',
    async play(ground) {
      const routed = await createRouted(ground, 'waits');
      await makeWait(ground, 'waits', routed);
      return {
        fingerprint: 'waits',
        eventId: await ground.report('waits', 'firing'),
        routeId: routed.routeId,
      };
    },
  },
  {
    reason: 'not_scanned_yet',
    title: 'the worker is down',
    isSlow: true,
    async play(ground) {
      const { routeId } = await createRouted(ground, 'unscanned');
      await ground.stopWorker();
      return { fingerprint: 'unscanned', eventId: await ground.report('unscanned', 'firing'), routeId };
    },
  },
  {
    reason: 'not_decided_yet',
    title: 'the stream was signalled and has recorded nothing yet',
    // Every other stream waits for the lock as well.
    isSlow: true,
    async play(ground) {
      const { routeId } = await createRouted(ground, 'undecided');
      const eventId = await ground.report('undecided', 'suppressed');
      await ground.untilShown({ fingerprint: 'undecided', eventId, routeId }, { reason: 'suppressed' });
      const lock = ground.sql.begin(async (tx) => {
        // Reads succeed, writes wait, as while somebody migrates the database by hand.
        await tx`lock table dispatch.delivery_intents in exclusive mode`;
        await sleep(6000);
      });
      lock.catch(() => undefined);
      await sleep(200);
      return { fingerprint: 'undecided', eventId: await ground.report('undecided', 'firing'), routeId };
    },
  },
  {
    reason: 'decision_not_recorded',
    title: 'somebody deleted its ledger entries',
    isSlow: true,
    async play(ground) {
      const { routeId } = await createRouted(ground, 'forgotten');
      await fire(ground, 'forgotten', routeId);
      const eventId = await ground.report('forgotten', 'firing');
      const question = { fingerprint: 'forgotten', eventId, routeId };
      await ground.untilShown(question, { reason: 'continuing' });
      const resolved = await ground.report('forgotten', 'resolved');
      await ground.untilShown({ ...question, eventId: resolved }, { reason: 'resolved' });
      // The relay would move what is still in PostgreSQL afterwards.
      await sleep(1500);
      await ground.clickhouse.command({
        query: "ALTER TABLE decision_runs DELETE WHERE fingerprint = 'forgotten'",
        clickhouse_settings: { mutations_sync: '1' },
      });
      return question;
    },
  },
];
