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
    repeats === 0 ? '' : `; it came ${repeats === 1 ? 'once' : `${repeats} times`} more and changed nothing`;
  return `${sentence}${repeated}.`;
}

function sentenceOf(facts: ExplainFacts, about: StreamCase, explained: Explained): string {
  switch (explained.outcome.kind) {
    case 'delivered':
    case 'assumed_delivered':
      return told(facts, about, explained);
    case 'pending':
      return underWay(facts, about, explained);
    case 'dropped':
      return dropped(facts, about, explained);
    case 'none':
      return about.silence === null
        ? undecided(facts, about, explained)
        : silent(facts, about, about.silence);
  }
}

function told(
  { now }: ExplainFacts,
  { isInLedger }: StreamCase,
  { reason, outcome, attempts, provider, wasUncertain }: Explained,
): string {
  const at = outcome.at === null ? 'at an unknown time' : `at ${clockTime(Date.parse(outcome.at), now)}`;
  const receiver = provider ?? 'the provider';
  const what = TOLD[reason] ?? 'Told';
  if (outcome.kind === 'assumed_delivered') {
    return `${what}, as far as anybody knows, ${at}: whether ${receiver} got it is unknown, and by the app's policy it is not sent again`;
  }
  const last = attempts.at(-1);
  const status = last?.outcome === 'delivered' && last.status !== null ? ` (HTTP ${last.status})` : '';
  // What is not in the ledger yet may be the sending that was taken.
  const accepted = last === undefined || last.outcome === 'delivered' || !isInLedger;
  const how = accepted
    ? `accepted by ${receiver}${status}${attempts.length > 1 && isInLedger ? ` at the ${ordinal(last?.attempt ?? attempts.length)} sending` : ''}`
    : `${receiver} confirmed that it has it`;
  const separator = what === 'Told' ? ' ' : ', ';
  const before = earlier(attempts.filter((attempt) => attempt.outcome !== 'delivered'));
  const twice = wasUncertain && accepted ? ', so it may have arrived twice' : '';
  return `${what}${separator}${at}: ${how}${before}${twice}`;
}

const TOLD: Partial<Record<ExplainedStream['reason'], string>> = {
  renotify: 'Told again because the interval had passed',
  suppression_bypass: 'Told again because it fires after a suppression',
  resolved: 'Told that it is over',
  resolve_owed: 'Told that it is over, on being asked again by the sweep',
};

/** What became of sendings before the one that counts. */
function earlier(attempts: ExplainedStream['attempts']): string {
  const shown = attempts.slice(-2).map((attempt) => `the ${ordinal(attempt.attempt)} ${fate(attempt)}`);
  if (shown.length === 0) return '';
  const more = attempts.length - shown.length;
  return `; ${more === 0 ? '' : `${more} failed before, `}${shown.join(', ')}`;
}

function fate({ outcome, code, status, waitMs }: ExplainedStream['attempts'][number]): string {
  const why = status === null ? (code ?? 'no answer') : `HTTP ${status}`;
  switch (outcome) {
    case 'rate_limited':
      return waitMs === null ? 'was rate limited' : `was rate limited and asked to wait ${duration(waitMs)}`;
    case 'refused':
      return `was refused (${why})`;
    case 'uncertain':
      return code === 'CUT_OFF' ? 'was cut off' : `had no answer (${code ?? 'unknown'})`;
    case 'delivered':
    case 'assumed_delivered':
    case 'dropped':
      return `was ${outcome.replace('_', ' ')}`;
  }
}

function underWay(
  { now }: ExplainFacts,
  { intent, app, notice }: StreamCase,
  { attempts, outcome, provider }: Explained,
): string {
  const receiver = provider ?? 'the provider';
  const since = notice === null ? '' : ` since ${clockTime(notice.at, now)}`;
  const throttledForMs = app?.health.throttledForMs ?? 0;
  if (throttledForMs > 0) {
    return `Not told yet, under way${since}: ${receiver} asks to be left alone for another ${duration(throttledForMs)}`;
  }
  if (intent?.status === 'intended') {
    return `Not told yet, under way${since}: the ${ordinal(intent.claims)} sending was begun${earlier(attempts)}`;
  }
  const uncertain = intent?.status === 'uncertain';
  const next =
    outcome.code === 'RATE_LIMITED'
      ? `waiting for ${receiver} to take it again`
      : uncertain
        ? 'whether the last sending arrived is unknown, and the next one finds out'
        : 'it is tried again until it is too old';
  return `Not told yet, under way${since}: ${next}${earlier(attempts)}`;
}

function dropped(
  { now }: ExplainFacts,
  { route, notice, app }: StreamCase,
  { reason, attempts, outcome, provider, owed }: Explained,
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
    rejected: `${receiver} refused it for good${answer}`,
    signal_expired: `no sending succeeded before it was too old to be worth telling${age}${earlier(attempts)}`,
    signal_expired_rate_limited: `${receiver} kept asking to wait until it was too old to be worth telling${age}${earlier(attempts)}`,
    connected_app_missing: `${name} was switched off or removed before it could be delivered`,
    issue_missing: 'the row of the issue was gone before it could be delivered',
    superseded:
      'a sending was cut off, and when the stream came to it again it was too old; nobody knows whether it arrived',
    secret_unreadable: `the secret of ${name} cannot be unsealed, its sealing key is missing`,
  };
  const open =
    notice?.kind === 'resolve' && owed ? '; it is still open outside, and the sweep will ask again' : '';
  return `Not told, given up${at}: ${why[reason] ?? 'it was dropped'}${open}`;
}

function silent(
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
      return 'Not told: the stream had decided about something as new or newer, so this came late or again';
    case 'continuing':
      return `Not told: still firing, and the route never renotifies${alike}`;
    case 'renotify_not_due': {
      const intervalMs = route?.renotifyIntervalMs ?? null;
      const every = intervalMs === null ? 'less often' : `every ${duration(intervalMs)}`;
      return `Not told: still firing, and the route renotifies ${every}${renotification(state, { run, intervalMs, now })}${alike}`;
    }
    case 'suppressed':
      return `Not told: the monitor reported it as suppressed${alike}`;
    case 'resolved_without_notification':
      return `Not told: it is over, and nothing was open outside${alike}`;
    case 'stale': {
      const age =
        issue === null || run === null || run.count > 1
          ? ''
          : ` ${duration(run.lastAt - issue.storedAt)} old,`;
      const intervalMs = state?.status === 'firing' ? (route?.renotifyIntervalMs ?? null) : null;
      const most = route === null ? null : Math.min(route.maxSignalAgeMs, intervalMs ?? Infinity);
      const limit = most === null ? '' : ` (${duration(most)})`;
      return `Not told: it was${age} too old to be worth telling${limit} when it was decided${alike}`;
    }
  }
}

/** When a renotification was or is due after a decision that it was not. */
function renotification(
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
    return `; it was told of again at ${clockTime(lastNotifiedAt, now)}`;
  }
  return intervalMs === null || state?.status !== 'firing'
    ? ''
    : `; the next is due after ${clockTime(lastNotifiedAt + intervalMs, now)}`;
}

function undecided(
  { now, issue }: ExplainFacts,
  { app, signalledAt, matched }: StreamCase,
  { reason, owed, openNow }: Explained,
): string {
  if (reason === 'connected_app_disabled') {
    const off = signalledAt === null ? 'is switched off' : 'was switched off when the issue was matched';
    return `Not told: the connected app ${off}${app?.enabled === true ? '; it is on again now' : ''}`;
  }
  if (reason === 'not_scanned_yet') {
    const since =
      issue === null
        ? ' so far'
        : ` since it was stored at ${clockTime(issue.storedAt, now)}, ${duration(now - issue.storedAt)} ago`;
    return `Not told yet: no scan has read the issue${since}`;
  }
  if (reason === 'decision_not_recorded') {
    return 'Decided, but the ledger does not tell how: the stream is past this issue, and its entry is late or lost';
  }
  if (!matched && owed) {
    return `${openNow ? 'Open' : 'May be open'} outside although it is over: the route did not match, and the sweep asks for the resolve`;
  }
  if (!matched && openNow) return 'Open outside, and not told of this: the route did not match';
  const since = signalledAt === null ? '' : ` since ${clockTime(signalledAt, now)}`;
  const throttledForMs = app?.health.throttledForMs ?? 0;
  const throttle =
    throttledForMs > 0
      ? `; ${app?.provider ?? 'the provider'} asks to be left alone for another ${duration(throttledForMs)}`
      : '';
  return `Not told yet: signalled${since}, and no decision is known so far${throttle}`;
}
