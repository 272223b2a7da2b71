import { alertWorkflowId, notificationIdOf } from '@heliograph/dispatch-workflows';
import type { Situation } from '../situation.ts';
import { answerWith, createRouted, fire } from './routed.ts';

/** Situations in which a notification is dropped. */
export const DROPPED: readonly Situation[] = [
  {
    reason: 'rejected',
    title: 'the receiver refuses it permanently',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'rejected');
      ground.failAtReceiver(answerWith('rejected', 401));
      return { fingerprint: 'rejected', eventId: await ground.report('rejected', 'firing'), routeId };
    },
  },
  {
    reason: 'signal_expired',
    title: 'the receiver was down until the issue was too old',
    isSlow: true,
    async play(ground) {
      const { routeId } = await createRouted(ground, 'expired', { maxSignalAgeMs: 3000 });
      ground.failAtReceiver(answerWith('expired', 503));
      return { fingerprint: 'expired', eventId: await ground.report('expired', 'firing'), routeId };
    },
  },
  {
    reason: 'signal_expired_rate_limited',
    title: 'the receiver throttles for longer than the issue may wait',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'limited', { maxSignalAgeMs: 20_000 });
      ground.failAtReceiver(answerWith('limited', 429, 60));
      return { fingerprint: 'limited', eventId: await ground.report('limited', 'firing'), routeId };
    },
  },
  {
    reason: 'connected_app_missing',
    title: 'the connected app is disabled while the notification waits',
    async play(ground) {
      const { appId, routeId } = await createRouted(ground, 'gone');
      ground.failAtReceiver({ streamContains: '-gone-', fault: { kind: 'hang' } });
      const question = { fingerprint: 'gone', eventId: await ground.report('gone', 'firing'), routeId };
      await ground.untilShown(question, { reason: 'new', outcome: 'pending' });
      await ground.disableApp(appId);
      return question;
    },
  },
  {
    reason: 'issue_missing',
    title: 'its row is deleted before the notification could be delivered',
    isSlow: true,
    async play(ground) {
      const { routeId } = await createRouted(ground, 'deleted');
      ground.failAtReceiver(answerWith('deleted', 503));
      const eventId = await ground.report('deleted', 'firing');
      const question = { fingerprint: 'deleted', eventId, routeId };
      await ground.untilShown(question, { reason: 'new', outcome: 'pending' });
      // A worker keeps for a while what it has read.
      await ground.stopWorker();
      await ground.clickhouse.command({
        query: 'ALTER TABLE issues DELETE WHERE event_id = {eventId:String}',
        query_params: { eventId },
        clickhouse_settings: { mutations_sync: '1' },
      });
      await ground.startWorker();
      return question;
    },
  },
  {
    reason: 'superseded',
    title: 'its attempt was interrupted, and the stream decided otherwise afterwards',
    // The sweep settles it.
    isSlow: true,
    async play(ground) {
      const { appId, routeId } = await createRouted(ground, 'passed');
      await fire(ground, 'passed', routeId);
      const eventId = await ground.report('passed', 'firing');
      const question = { fingerprint: 'passed', eventId, routeId };
      await ground.untilShown(question, { reason: 'continuing' });
      const { position } = await ground.explain(question);
      // What a worker leaves behind that is killed in the middle, and whose successor is much later.
      const key = { fingerprint: 'passed', routeId, connectedAppId: appId };
      await ground.sql`
        insert into dispatch.delivery_intents (notification_id, workflow_id, fingerprint, route_id, connected_app_id,
          event_id, position, kind, reason, status, provider, decided_at, updated_at)
        values (${notificationIdOf(key, position)}, ${alertWorkflowId(key)}, 'passed', ${routeId}, ${appId}, ${eventId},
          ${position}, 'update', 'renotify', 'intended', 'webhook', now(), now() - interval '1 hour')`;
      return question;
    },
  },
  {
    reason: 'secret_unreadable',
    title: 'the key that sealed the secret of the connected app did not come until the issue was too old',
    async play(ground) {
      const { appId, routeId } = await createRouted(ground, 'sealed', { maxSignalAgeMs: 3000 });
      await ground.sql`update dispatch.connected_apps set secret_key_id = 'gone' where id = ${appId}`;
      return { fingerprint: 'sealed', eventId: await ground.report('sealed', 'firing'), routeId };
    },
  },
];
