import { setTimeout as sleep } from 'node:timers/promises';
import type { Situation } from '../situation.ts';
import { answerWith, createRouted, fire } from './routed.ts';

/** Situations in which a notification is decided. */
export const NOTIFIED: readonly Situation[] = [
  {
    reason: 'new',
    outcome: 'delivered',
    title: 'it fires, and the receiver throttles once',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'new');
      ground.failAtReceiver({ ...answerWith('new', 429, 1), timesPerStream: 1 });
      return { fingerprint: 'new', eventId: await ground.report('new', 'firing'), routeId };
    },
  },
  {
    reason: 'new',
    outcome: 'pending',
    title: 'the receiver is down',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'waiting');
      ground.failAtReceiver(answerWith('waiting', 503));
      return { fingerprint: 'waiting', eventId: await ground.report('waiting', 'firing'), routeId };
    },
  },
  {
    reason: 'renotify',
    outcome: 'delivered',
    title: 'it is still firing, and the renotification interval has passed',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'renotify', { renotifyIntervalMs: 1000 });
      await fire(ground, 'renotify', routeId);
      await sleep(1200);
      return { fingerprint: 'renotify', eventId: await ground.report('renotify', 'firing'), routeId };
    },
  },
  {
    reason: 'renotify',
    outcome: 'assumed_delivered',
    title: 'a renotification whose answer was lost is not resent',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'assumed', { renotifyIntervalMs: 1000 });
      await fire(ground, 'assumed', routeId);
      await sleep(1200);
      ground.failAtReceiver({ streamContains: '-assumed-', fault: { kind: 'close-after-body' } });
      return { fingerprint: 'assumed', eventId: await ground.report('assumed', 'firing'), routeId };
    },
  },
  {
    reason: 'suppression_bypass',
    title: 'it fires again after it was suppressed',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'bypass', { renotifyIntervalMs: 3_600_000 });
      await fire(ground, 'bypass', routeId);
      const eventId = await ground.report('bypass', 'suppressed');
      await ground.untilShown({ fingerprint: 'bypass', eventId, routeId }, { reason: 'suppressed' });
      return { fingerprint: 'bypass', eventId: await ground.report('bypass', 'firing'), routeId };
    },
  },
  {
    reason: 'resolved',
    title: 'it resolves, and the answer to the notification is lost once',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'resolved');
      await fire(ground, 'resolved', routeId);
      ground.failAtReceiver({
        streamContains: '-resolved-',
        timesPerStream: 1,
        fault: { kind: 'close-after-body' },
      });
      return { fingerprint: 'resolved', eventId: await ground.report('resolved', 'resolved'), routeId };
    },
  },
  {
    reason: 'resolve_owed',
    title: 'the resolve was refused, and the sweep resends it',
    // The first sweep comes a minute after the orchestrator has started.
    isSlow: true,
    async play(ground) {
      const { routeId } = await createRouted(ground, 'owed');
      await fire(ground, 'owed', routeId);
      ground.failAtReceiver({ ...answerWith('owed', 400), type: 'alert.resolved', timesPerStream: 1 });
      return { fingerprint: 'owed', eventId: await ground.report('owed', 'resolved'), routeId };
    },
  },
];
