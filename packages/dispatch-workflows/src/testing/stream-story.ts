import fc from 'fast-check';
import type { IssueSignal, IssueStatus } from '../contract/issue-signal.ts';
import type { StreamState } from '../contract/stream-state.ts';
import { episodeAfter } from '../stream/episode.ts';
import { owesResolve } from '../stream/owes-resolve.ts';
import { applyDecision, applyDelivery, applyDrop, shouldNotify } from '../stream/should-notify.ts';

/** What becomes of a notification: what the stream records, and what the provider took over. */
export const FATES = [
  'delivered',
  /** Refused for good, or expired without any attempt that may have arrived. */
  'dropped',
  /** Given up in doubt, and the provider has it. */
  'doubted-and-received',
  /** Given up in doubt, and the provider never got it. */
  'doubted-and-lost',
] as const;
/** What becomes of a notification. */
export type Fate = (typeof FATES)[number];

/** A stream, and what a person sees of it: the episodes that are open at the provider. */
export interface Scene {
  readonly state: StreamState;
  readonly open: ReadonlySet<string>;
}

/** Plays one signal: decides, lets the notification have its fate, and takes over what is known of it. */
export function playSignal(
  { state, open }: Scene,
  signal: IssueSignal,
  { now, fate }: { readonly now: number; readonly fate: Fate },
): Scene & { readonly reason: string; readonly kind: string | null; readonly isDelivered: boolean } {
  const decision = shouldNotify(state, signal, now);
  if (!decision.notify) {
    const after = applyDecision(state, signal, decision.reason);
    return { state: after, open, reason: decision.reason, kind: null, isDelivered: false };
  }
  const { kind, reason } = decision;
  const isDelivered = fate === 'delivered';
  const episode = kind === 'resolve' ? (state.episode ?? '') : (episodeAfter(state, signal.position) ?? '');
  const seen = new Set(open);
  if (isDelivered || fate === 'doubted-and-received') {
    if (kind === 'resolve') seen.delete(episode);
    else seen.add(episode);
  }
  // An update in doubt opens nothing that is not open already.
  const mayBeOpen = fate !== 'dropped' && kind !== 'update';
  const after = isDelivered
    ? applyDelivery(state, signal, { now, provider: 'webhook', externalId: null })
    : applyDrop(state, signal, { reason, mayBeOpen });
  return { state: after, open: seen, reason, kind, isDelivered };
}

/** Ends a story well: its newest issue resolves, deliveries succeed, and the sweep asks for what is owed. */
export function endWell(
  scene: Scene,
  resolved: IssueSignal,
  now: number,
): Scene & { readonly sweeps: number } {
  let end: Scene = playSignal(scene, resolved, { now, fate: 'delivered' });
  let sweeps = 0;
  for (; owesResolve(end.state, resolved) && sweeps < 10; sweeps++)
    end = playSignal(end, { ...resolved, owed: true }, { now, fate: 'delivered' });
  return { ...end, sweeps };
}

/** Every state that a row of `dispatch.stream_state` may hold; positions are below 1,000. */
export const anyStreamState: fc.Arbitrary<StreamState> = fc.record({
  notificationCount: fc.nat(5),
  lastNotifiedAt: fc.option(fc.integer({ min: 1_799_990_000_000, max: 1_800_000_000_000 }), { nil: null }),
  status: fc.constantFrom<StreamState['status']>('none', 'firing', 'resolved'),
  lastPosition: fc.option(
    fc.nat(999).map(String),
    // A stream that was notified has decided something.
    { nil: null, freq: 10 },
  ),
  externalIds: fc.constantFrom({}, { webhook: 'x' }),
  lastSeen: fc.constantFrom<IssueStatus | null>(null, 'firing', 'resolved', 'suppressed'),
  episode: fc.option(fc.nat(999).map(String), { nil: null }),
  mayBeOpen: fc.boolean(),
  silence: fc.constantFrom(null, { reason: 'continuing' as const, since: '1' }),
});
