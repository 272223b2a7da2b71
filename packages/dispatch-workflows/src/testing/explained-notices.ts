import { app, entry, intent, NOON, openStream } from './explain-facts.ts';
import {
  delivered,
  dropped,
  type ExplainedStreamRow,
  OVER,
  refusal,
  SIGNALLED,
} from './explained-streams.ts';

/** Streams that decided to notify: delivered, under way, dropped. */
export const NOTICES: readonly ExplainedStreamRow[] = [
  {
    name: 'delivered',
    facts: { entries: delivered(), streams: [openStream({ lastNotifiedAt: NOON + 2000 })] },
    reason: 'new',
    outcome: 'delivered',
    summary: 'Delivered at 12:00:03Z: accepted by webhook (HTTP 200).',
    also: {
      notify: true,
      openNow: true,
      owed: false,
      nextRenotificationNotBefore: '2026-03-01T12:15:02.000Z',
      decision: { reason: 'new', kind: 'trigger', at: '2026-03-01T12:00:02.000Z' },
      outcome: { kind: 'delivered', code: null, at: '2026-03-01T12:00:03.000Z', externalId: 'x1' },
      attempts: [
        {
          at: '2026-03-01T12:00:02.000Z',
          attempt: 1,
          outcome: 'delivered',
          code: null,
          status: 200,
          durationMs: 53,
          waitMs: null,
        },
      ],
    },
  },
  {
    name: 'delivered at the second attempt',
    facts: {
      entries: [
        ...SIGNALLED,
        entry('decided'),
        entry('attempted', {
          attempt: 1,
          outcome: 'rate_limited',
          code: 'RATE_LIMITED',
          status: 429,
          waitMs: 1000,
        }),
        entry('attempted', { attempt: 2, outcome: 'delivered', status: 202 }),
        entry('settled', { at: NOON + 3000, outcome: 'delivered' }),
      ],
    },
    reason: 'new',
    outcome: 'delivered',
    summary:
      'Delivered at 12:00:03Z: accepted by webhook (HTTP 202) at the second attempt; the first was rate-limited (retry after 1 s).',
  },
  {
    name: 'delivered after it was in doubt',
    facts: {
      entries: [
        ...SIGNALLED,
        entry('decided'),
        entry('attempted', { attempt: 1, outcome: 'uncertain', code: 'CUT_OFF' }),
        entry('attempted', { attempt: 2, outcome: 'delivered', status: 200 }),
        entry('settled', { at: NOON + 3000, outcome: 'delivered' }),
      ],
      intents: [intent({ status: 'delivered', claims: 2, wasUncertain: true })],
    },
    reason: 'new',
    outcome: 'delivered',
    summary:
      'Delivered at 12:00:03Z: accepted by webhook (HTTP 200) at the second attempt; the first was interrupted, so it may have arrived twice.',
    also: { wasUncertain: true },
  },
  {
    name: 'found to have arrived',
    facts: {
      entries: [
        ...SIGNALLED,
        entry('decided'),
        entry('attempted', { attempt: 1, outcome: 'uncertain', code: 'TIMEOUT' }),
        entry('settled', { at: NOON + 3000, outcome: 'delivered' }),
      ],
    },
    reason: 'new',
    outcome: 'delivered',
    summary:
      'Delivered at 12:00:03Z: webhook confirmed that it has received it; the first had no answer (TIMEOUT).',
  },
  {
    name: 'assumed delivered',
    facts: {
      entries: [
        ...SIGNALLED,
        entry('decided', { reason: 'renotify', kind: 'update' }),
        entry('attempted', {
          reason: 'renotify',
          kind: 'update',
          attempt: 1,
          outcome: 'uncertain',
          code: 'TIMEOUT',
        }),
        entry('settled', {
          reason: 'renotify',
          kind: 'update',
          at: NOON + 3000,
          outcome: 'assumed_delivered',
        }),
      ],
    },
    reason: 'renotify',
    outcome: 'assumed_delivered',
    summary:
      "Renotification, due by the interval, assumed delivered at 12:00:03Z: whether webhook received it is unknown, and the app's policy says not to resend it.",
    also: { wasUncertain: true, outcome: { kind: 'assumed_delivered', code: 'UNCERTAIN_NOT_RESENT' } },
  },
  {
    name: 'delivered after a refusal, before the ledger has more than that',
    facts: {
      entries: [
        ...SIGNALLED,
        entry('attempted', { attempt: 1, outcome: 'rate_limited', status: 429, waitMs: 1000 }),
      ],
      intents: [intent({ status: 'delivered', claims: 2, updatedAt: NOON + 3000 })],
    },
    reason: 'new',
    outcome: 'delivered',
    summary: 'Delivered at 12:00:03Z: accepted by webhook; the first was rate-limited (retry after 1 s).',
  },
  {
    name: 'delivered before the ledger has it',
    facts: { intents: [intent({ status: 'delivered', externalId: 'x9' })] },
    reason: 'new',
    outcome: 'delivered',
    summary: 'Delivered at 12:00:02Z: accepted by webhook.',
    also: { outcome: { kind: 'delivered', externalId: 'x9' } },
  },
  {
    name: 'renotified',
    facts: { entries: delivered({ reason: 'renotify', kind: 'update' }) },
    reason: 'renotify',
    outcome: 'delivered',
    summary: 'Renotification, due by the interval, delivered at 12:00:03Z: accepted by webhook (HTTP 200).',
  },
  {
    name: 'renotified after a suppression',
    facts: { entries: delivered({ reason: 'suppression_bypass', kind: 'update' }) },
    reason: 'suppression_bypass',
    outcome: 'delivered',
    summary:
      'Renotification, due after a suppression, delivered at 12:00:03Z: accepted by webhook (HTTP 200).',
  },
  {
    name: 'over',
    facts: { issue: OVER, entries: delivered({ reason: 'resolved', kind: 'resolve' }) },
    reason: 'resolved',
    outcome: 'delivered',
    summary: 'Resolve delivered at 12:00:03Z: accepted by webhook (HTTP 200).',
  },
  {
    name: 'resolved, and delivered only when the sweep resent it',
    facts: {
      issue: OVER,
      entries: [
        ...dropped('EXPIRED', refusal(1, { reason: 'resolved', kind: 'resolve' })).map((each) =>
          each.stage === 'decided' || each.stage === 'settled'
            ? { ...each, reason: 'resolved' as const, kind: 'resolve' as const }
            : each,
        ),
        entry('decided', { reason: 'resolve_owed', kind: 'resolve', at: NOON + 30_000 }),
        entry('attempted', {
          reason: 'resolve_owed',
          kind: 'resolve',
          attempt: 2,
          outcome: 'delivered',
          status: 200,
        }),
        entry('settled', {
          reason: 'resolve_owed',
          kind: 'resolve',
          at: NOON + 31_000,
          outcome: 'delivered',
        }),
      ],
    },
    reason: 'resolve_owed',
    outcome: 'delivered',
    summary:
      'Owed resolve, resent by the sweep, delivered at 12:00:31Z: accepted by webhook (HTTP 200) at the second attempt; the first was refused (HTTP 503).',
    also: { decision: { reason: 'resolve_owed', kind: 'resolve', at: '2026-03-01T12:00:30.000Z' } },
  },
  {
    name: 'dropped once more, under the id of the first drop',
    facts: {
      issue: OVER,
      entries: dropped('EXPIRED').map((each) =>
        each.routeId === undefined || each.stage === 'matched'
          ? each
          : { ...each, reason: 'resolve_owed' as const, kind: 'resolve' as const, at: NOON + 3000 },
      ),
      intents: [
        intent({
          status: 'dropped',
          code: 'CONNECTED_APP_MISSING',
          reason: 'resolve_owed',
          kind: 'resolve',
          updatedAt: NOON + 40_000,
        }),
      ],
      streams: [openStream()],
    },
    reason: 'connected_app_missing',
    outcome: 'dropped',
    summary:
      'Dropped at 12:00:03Z: the connected app "on-call" was disabled or removed before the delivery; the incident is still open at the provider, and the sweep will resend the resolve.',
    also: { owed: true, openNow: true },
  },
  {
    name: 'an attempt is in progress',
    facts: { intents: [intent()] },
    reason: 'new',
    outcome: 'pending',
    summary: 'Under way since 12:00:02Z: the first attempt has begun.',
  },
  {
    name: 'the sweep resends the resolve, which is under way',
    facts: {
      issue: OVER,
      entries: dropped('EXPIRED'),
      intents: [intent({ reason: 'resolve_owed', kind: 'resolve', claims: 3, updatedAt: NOON + 50_000 })],
    },
    reason: 'resolve_owed',
    outcome: 'pending',
    summary: 'Under way since 12:00:50Z: the third attempt has begun.',
  },
  {
    name: 'attempts fail',
    facts: {
      entries: [
        ...SIGNALLED,
        refusal(1),
        refusal(2),
        refusal(3, { status: undefined, code: 'CONNECT_FAILED' }),
      ],
      intents: [intent({ status: 'refused', claims: 3, code: 'CONNECT_FAILED' })],
    },
    reason: 'new',
    outcome: 'pending',
    summary:
      'Under way since 12:00:02Z: retried until it expires; 1 failed before, the second was refused (HTTP 503), the third was refused (CONNECT_FAILED).',
  },
  {
    name: 'the last attempt is in doubt',
    facts: { intents: [intent({ status: 'uncertain', code: 'TIMEOUT', wasUncertain: true })] },
    reason: 'new',
    outcome: 'pending',
    summary:
      'Under way since 12:00:02Z: the outcome of the last attempt is unknown, and the next attempt settles it.',
    also: { wasUncertain: true },
  },
  {
    name: 'the provider throttles',
    facts: {
      entries: [
        ...SIGNALLED,
        entry('attempted', {
          attempt: 1,
          outcome: 'rate_limited',
          code: 'RATE_LIMITED',
          waitMs: 3_601_000,
        }),
      ],
      intents: [intent({ status: 'refused', code: 'RATE_LIMITED' })],
      apps: [app({ health: { throttledForMs: 12_400 } })],
    },
    reason: 'new',
    outcome: 'pending',
    summary:
      'Under way since 12:00:02Z: webhook is throttled for another 12 s; the first was rate-limited (retry after 1 h).',
    also: { throttledUntil: '2026-03-01T12:01:12.400Z' },
  },
  {
    name: 'decided while the provider throttles',
    facts: {
      entries: [...SIGNALLED, entry('decided')],
      apps: [app({ health: { throttledForMs: 240_000 } })],
    },
    reason: 'new',
    outcome: 'pending',
    summary:
      'Under way since 12:00:02Z: webhook is throttled for another 4 min, and the first attempt waits for that.',
    also: { throttledUntil: '2026-03-01T12:05:00.000Z', attempts: [] },
  },
  {
    name: 'decided, and not begun',
    facts: { entries: [...SIGNALLED, entry('decided')] },
    reason: 'new',
    outcome: 'pending',
    summary: 'Under way since 12:00:02Z: the first attempt has not begun.',
    also: { throttledUntil: null },
  },
  {
    name: 'a probe was refused, and the throttle outlasted it',
    facts: {
      entries: dropped(
        'EXPIRED_RATE_LIMITED',
        refusal(1, { outcome: 'rate_limited', code: 'RATE_LIMITED', status: 429, waitMs: 1_800_000 }),
      ),
      apps: [app({ health: { throttledForMs: 240_000 } })],
    },
    reason: 'signal_expired_rate_limited',
    outcome: 'dropped',
    summary:
      'Dropped at 12:00:03Z: webhook was throttled until it expired (1 h); the first was rate-limited (retry after 30 min).',
    also: { throttledUntil: null },
  },
  {
    name: 'waits for a permit',
    facts: { intents: [intent({ status: 'refused', code: 'RATE_LIMITED' })] },
    reason: 'new',
    outcome: 'pending',
    summary: 'Under way since 12:00:02Z: waiting for webhook to accept requests again.',
  },
  {
    name: 'under way, and its intent is not known',
    facts: { entries: [...SIGNALLED, refusal(1)] },
    reason: 'new',
    outcome: 'pending',
    summary: 'Under way since 12:00:02Z: retried until it expires; the first was refused (HTTP 503).',
  },
  {
    name: 'refused permanently',
    facts: { entries: dropped('REJECTED', refusal(1, { status: 401, code: 'UNAUTHORIZED' })) },
    reason: 'rejected',
    outcome: 'dropped',
    summary: 'Dropped at 12:00:03Z: webhook refused it permanently (HTTP 401, UNAUTHORIZED).',
    also: { notify: true, decision: { reason: 'new' } },
  },
  {
    name: 'expired',
    facts: { entries: dropped('EXPIRED', refusal(1)) },
    reason: 'signal_expired',
    outcome: 'dropped',
    summary:
      'Dropped at 12:00:03Z: no attempt succeeded before it expired (1 h); the first was refused (HTTP 503).',
  },
  {
    name: 'expired while the provider asked to wait',
    facts: { entries: dropped('EXPIRED_RATE_LIMITED') },
    reason: 'signal_expired_rate_limited',
    outcome: 'dropped',
    summary: 'Dropped at 12:00:03Z: webhook was throttled until it expired (1 h), so it was never sent.',
  },
  {
    name: 'app gone',
    facts: { entries: dropped('CONNECTED_APP_MISSING'), apps: [] },
    reason: 'connected_app_missing',
    outcome: 'dropped',
    summary: 'Dropped at 12:00:03Z: the connected app was disabled or removed before the delivery.',
    also: { connectedAppName: null, provider: null },
  },
  {
    name: 'issue gone',
    facts: { entries: dropped('ISSUE_MISSING'), issue: null, newest: null },
    reason: 'issue_missing',
    outcome: 'dropped',
    summary: 'Dropped at 12:00:03Z: the issue was deleted before the delivery.',
  },
  {
    name: 'interrupted, and stale by then',
    facts: { entries: dropped('SUPERSEDED') },
    reason: 'superseded',
    outcome: 'dropped',
    summary:
      'Dropped at 12:00:03Z: an attempt was interrupted, and then the notification had become stale; whether it arrived is unknown.',
  },
  {
    name: 'secret unreadable',
    facts: { entries: dropped('SECRET_UNREADABLE') },
    reason: 'secret_unreadable',
    outcome: 'dropped',
    summary:
      'Dropped at 12:00:03Z: the secret of the connected app "on-call" cannot be unsealed, because its sealing key is missing.',
  },
];
