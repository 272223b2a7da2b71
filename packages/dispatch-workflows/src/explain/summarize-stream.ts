import type { ExplainedStream } from './explanation.ts';
import type { ExplainFacts } from './facts.ts';
import { clockTime, duration, ordinal } from './plain-words.ts';
import type { Silence, StreamCase } from './stream-case.ts';

type Explained = Omit<ExplainedStream, 'summary'>;

/** Says in one sentence what an alert stream did and why. */
export function summarizeStream(facts: ExplainFacts, about: StreamCase, explained: Explained): string {
  const sentence = sentenceOf(facts, about, explained);
  const { repeats } = explained;
  const repeated =
    repeats === 0 ? '' : `; signalled ${repeats === 1 ? 'once' : `${repeats} times`} more, without effect`;
  return `${sentence}${repeated}.`;
}

function sentenceOf(facts: ExplainFacts, about: StreamCase, explained: Explained): string {
  switch (explained.outcome.kind) {
    case 'delivered':
    case 'assumed_delivered':
      return describeDelivered(facts, about, explained);
    case 'pending':
      return describePending(facts, about, explained);
    case 'dropped':
      return describeDropped(facts, about, explained);
    case 'none':
      return about.silence === null
        ? describeUndecided(facts, about, explained)
        : describeSilent(facts, about, about.silence);
  }
}

function describeDelivered(
  { now }: ExplainFacts,
  { isInLedger }: StreamCase,
  { reason, outcome, attempts, provider, wasUncertain }: Explained,
): string {
  const at = outcome.at === null ? 'at an unknown time' : `at ${clockTime(Date.parse(outcome.at), now)}`;
  const receiver = provider ?? 'the provider';
  const subject = SUBJECTS[reason];
  if (outcome.kind === 'assumed_delivered') {
    const what = subject === undefined ? 'Assumed delivered' : `${subject} assumed delivered`;
    return `${what} ${at}: whether ${receiver} received it is unknown, and the app's policy says not to resend it`;
  }
  const what = subject === undefined ? 'Delivered' : `${subject} delivered`;
  const last = attempts.at(-1);
  const status = last?.outcome === 'delivered' && last.status !== null ? ` (HTTP ${last.status})` : '';
  // An attempt that is not in the ledger yet may be the one that was accepted.
  const accepted = last === undefined || last.outcome === 'delivered' || !isInLedger;
  const how = accepted
    ? `accepted by ${receiver}${status}${attempts.length > 1 && isInLedger ? ` at the ${ordinal(last?.attempt ?? attempts.length)} attempt` : ''}`
    : `${receiver} confirmed that it has received it`;
  const before = describeEarlier(attempts.filter((attempt) => attempt.outcome !== 'delivered'));
  const twice = wasUncertain && accepted ? ', so it may have arrived twice' : '';
  return `${what} ${at}: ${how}${before}${twice}`;
}

const SUBJECTS: Partial<Record<ExplainedStream['reason'], string>> = {
  renotify: 'Renotification, due by the interval,',
  suppression_bypass: 'Renotification, due after a suppression,',
  resolved: 'Resolve',
  resolve_owed: 'Owed resolve, resent by the sweep,',
};

/** The attempts before the one that counts. */
function describeEarlier(attempts: ExplainedStream['attempts']): string {
  const shown = attempts
    .slice(-2)
    .map((attempt) => `the ${ordinal(attempt.attempt)} ${describeOutcome(attempt)}`);
  if (shown.length === 0) return '';
  const more = attempts.length - shown.length;
  return `; ${more === 0 ? '' : `${more} failed before, `}${shown.join(', ')}`;
}

function describeOutcome({ outcome, code, status, waitMs }: ExplainedStream['attempts'][number]): string {
  const why = status === null ? (code ?? 'no answer') : `HTTP ${status}`;
  switch (outcome) {
    case 'rate_limited':
      return waitMs === null ? 'was rate-limited' : `was rate-limited (retry after ${duration(waitMs)})`;
    case 'refused':
      return `was refused (${why})`;
    case 'uncertain':
      return code === 'CUT_OFF' ? 'was interrupted' : `had no answer (${code ?? 'unknown'})`;
    case 'delivered':
    case 'assumed_delivered':
    case 'dropped':
      return `was ${outcome.replace('_', ' ')}`;
  }
}

function describePending(
  { now }: ExplainFacts,
  { intent, app, notice }: StreamCase,
  { attempts, outcome, provider }: Explained,
): string {
  const receiver = provider ?? 'the provider';
  const since = notice === null ? '' : ` since ${clockTime(notice.at, now)}`;
  const throttledForMs = app?.health.throttledForMs ?? 0;
  if (throttledForMs > 0) {
    const unsent = intent === null && attempts.length === 0 ? ', and the first attempt waits for that' : '';
    return `Under way${since}: ${receiver} is throttled for another ${duration(throttledForMs)}${unsent}${describeEarlier(attempts)}`;
  }
  if (intent?.status === 'intended') {
    return `Under way${since}: the ${ordinal(intent.claims)} attempt has begun${describeEarlier(attempts)}`;
  }
  const next =
    outcome.code === 'RATE_LIMITED'
      ? `waiting for ${receiver} to accept requests again`
      : intent?.status === 'uncertain'
        ? 'the outcome of the last attempt is unknown, and the next attempt settles it'
        : intent === null && attempts.length === 0
          ? 'the first attempt has not begun'
          : 'retried until it expires';
  return `Under way${since}: ${next}${describeEarlier(attempts)}`;
}

function describeDropped(
  { now }: ExplainFacts,
  { route, notice, app }: StreamCase,
  { reason, attempts, outcome, provider, openNow, owed }: Explained,
): string {
  const receiver = provider ?? 'the provider';
  const at = outcome.at === null ? '' : ` at ${clockTime(Date.parse(outcome.at), now)}`;
  const last = attempts.at(-1);
  const answer =
    last === undefined
      ? ''
      : last.status === null
        ? ` (${last.code ?? 'no answer'})`
        : ` (HTTP ${last.status}${last.code === null || last.code === 'HTTP_STATUS' ? '' : `, ${last.code}`})`;
  const intervalMs = notice?.reason === 'renotify' ? (route?.renotifyIntervalMs ?? Infinity) : Infinity;
  const age = route === null ? '' : ` (${duration(Math.min(route.maxSignalAgeMs, intervalMs))})`;
  const name = app === null ? 'the connected app' : `the connected app "${app.name}"`;
  const why: Partial<Record<ExplainedStream['reason'], string>> = {
    rejected: `${receiver} refused it permanently${answer}`,
    signal_expired: `no attempt succeeded before it expired${age}${describeEarlier(attempts)}`,
    signal_expired_rate_limited: `${receiver} was throttled until it expired${age}${attempts.length === 0 ? ', so it was never sent' : describeEarlier(attempts)}`,
    connected_app_missing: `${name} was disabled or removed before the delivery`,
    issue_missing: 'the issue was deleted before the delivery',
    superseded:
      'an attempt was interrupted, and then the notification had become stale; whether it arrived is unknown',
    secret_unreadable: `the secret of ${name} cannot be unsealed, because its sealing key is missing`,
  };
  const open =
    notice?.kind === 'resolve' && owed
      ? `; the incident ${openNow ? 'is' : 'may be'} still open at the provider, and the sweep will resend the resolve`
      : '';
  return `Dropped${at}: ${why[reason] ?? 'for a reason of another release'}${open}`;
}

function describeSilent(
  { now, issue }: ExplainFacts,
  { state, route }: StreamCase,
  { reason, run }: Silence,
): string {
  const alike =
    run !== null && run.count > 1 && reason !== 'older_than_last'
      ? ` (one of ${run.count} such decisions, ${clockTime(run.firstAt, now)} to ${clockTime(run.lastAt, now)})`
      : '';
  switch (reason) {
    case 'older_than_last':
      return 'Not notified: the stream had already decided about this issue or a newer one, so it came late or twice';
    case 'continuing':
      return `Not notified: still firing, and the route never renotifies${alike}`;
    case 'renotify_not_due': {
      const intervalMs = route?.renotifyIntervalMs ?? null;
      const every = intervalMs === null ? 'less often' : `every ${duration(intervalMs)}`;
      return `Not notified: still firing, and the route renotifies ${every}${describeRenotification(state, { run, intervalMs, now })}${alike}`;
    }
    case 'suppressed':
      return `Not notified: the monitor reported it as suppressed${alike}`;
    case 'resolved_without_notification':
      return `Not notified: it has resolved, and no incident was open at the provider${alike}`;
    case 'stale': {
      const age =
        issue === null || run === null || run.count > 1
          ? ''
          : ` ${duration(run.lastAt - issue.storedAt)} old,`;
      const intervalMs = state?.status === 'firing' ? (route?.renotifyIntervalMs ?? null) : null;
      const most = route === null ? null : Math.min(route.maxSignalAgeMs, intervalMs ?? Infinity);
      const limit = most === null ? '' : ` (${duration(most)})`;
      return `Not notified: it was${age} older than the maximum age${limit} when it was decided${alike}`;
    }
    case 'superseded_by_newer':
      return `Not notified: it waited behind others, and a newer issue of its stream took its place${alike}`;
  }
}

/** When a renotification was or is due after a decision that it was not. */
function describeRenotification(
  state: StreamCase['state'],
  {
    run,
    intervalMs,
    now,
  }: { readonly run: Silence['run']; readonly intervalMs: number | null; readonly now: number },
): string {
  const lastNotifiedAt = state?.lastNotifiedAt ?? null;
  if (lastNotifiedAt === null) return '';
  if (run !== null && lastNotifiedAt > run.lastAt) {
    return `; it was renotified at ${clockTime(lastNotifiedAt, now)}`;
  }
  return intervalMs === null || state?.status !== 'firing'
    ? ''
    : `; the next renotification is due after ${clockTime(lastNotifiedAt + intervalMs, now)}`;
}

function describeUndecided(
  { now, issue, key }: ExplainFacts,
  { app, signalledAt, matched, waiting }: StreamCase,
  { reason, owed, openNow }: Explained,
): string {
  if (reason === 'connected_app_disabled') {
    const off = signalledAt === null ? 'is disabled' : 'was disabled when the issue was matched';
    return `Not notified: the connected app ${off}${app?.enabled === true ? '; it is enabled again now' : ''}`;
  }
  if (reason === 'waiting_in_backlog' && waiting !== null) {
    const { reason: why, signal, nextAttemptAt, parkedAt, attempts } = waiting;
    const newer =
      signal.position === key.position
        ? ''
        : '; a newer issue of its stream waits with it and takes its place';
    const since = `since ${clockTime(parkedAt, now)}`;
    const name = app === null ? 'the connected app' : `the connected app "${app.name}"`;
    const next = nextAttemptAt <= now ? 'due now' : `at ${clockTime(nextAttemptAt, now)}`;
    return why === 'over_share'
      ? `Not decided yet: waiting in the backlog ${since}, because the alert streams of ${name} that run already use up its share; it starts when one of them ends${newer}${describeThrottle(app)}`
      : `Not decided yet: waiting in the backlog ${since}, because Temporal did not take the signal ${attempts === 1 ? 'once' : `${attempts} times`}; the next attempt is ${next}${newer}`;
  }
  if (reason === 'not_scanned_yet') {
    const since =
      issue === null
        ? ' so far'
        : ` since it was stored at ${clockTime(issue.storedAt, now)}, ${duration(now - issue.storedAt)} ago`;
    return `Not decided yet: no scan has read the issue${since}`;
  }
  if (reason === 'decision_not_recorded') {
    return 'Decided, but the ledger does not show how: the stream has passed this issue, and its entry is late or lost';
  }
  if (!matched && owed) {
    return `${openNow ? 'Open' : 'Possibly open'} at the provider although the alert has resolved: the route did not match, and the sweep resends the resolve`;
  }
  if (!matched && openNow)
    return 'Open at the provider, and not notified of this issue: the route did not match';
  const since = signalledAt === null ? '' : ` since ${clockTime(signalledAt, now)}`;
  return `Not decided yet: signalled${since}, and no decision is recorded so far${describeThrottle(app)}`;
}

function describeThrottle(app: StreamCase['app']): string {
  return app === null || app.health.throttledForMs === 0
    ? ''
    : `; ${app.provider} is throttled for another ${duration(app.health.throttledForMs)}`;
}
