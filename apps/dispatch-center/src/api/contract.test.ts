import * as wire from '@heliograph/dispatch-api';
import {
  DEFAULT_SIGNAL_POLICY,
  type IssueStatus,
  type NotifyReason,
  type SilenceReason,
} from '@heliograph/dispatch-workflows';
import {
  ROUTE_REASONS,
  STREAM_OUTCOMES,
  STREAM_REASONS,
  type ExplainedDecision,
} from '@heliograph/dispatch-workflows/explain';
import {
  UNCERTAIN_POLICIES,
  type DispatchErrorCode,
  type LedgerOutcome,
} from '@heliograph/dispatch-workflows/stores';
import type { NotifierErrorCode } from '@heliograph/notifier/channels';
import type { QueryErrorCode } from '@heliograph/query';
import { expect, test } from '@jest/globals';

type Member<TList extends readonly string[]> = TList[number];
type Same<A, B> = [A, B] extends [B, A] ? true : never;

test.each<[string, readonly string[], readonly string[]]>([
  ['reasons of routes', wire.ROUTE_REASONS, ROUTE_REASONS],
  ['reasons of streams', wire.STREAM_REASONS, STREAM_REASONS],
  ['outcomes of streams', wire.STREAM_OUTCOMES, STREAM_OUTCOMES],
  ['policies', wire.UNCERTAIN_POLICIES, UNCERTAIN_POLICIES],
])('the contract knows the same %s as the domain', (_, declared, known) => {
  expect(declared.toSorted()).toEqual(known.toSorted());
});

test('the contract and the domain agree about what has types only, so that this file compiles', () => {
  const agreed: readonly true[] = [
    true satisfies Same<Member<typeof wire.DECISION_REASONS>, NotifyReason | SilenceReason>,
    true satisfies Same<Member<typeof wire.ATTEMPT_OUTCOMES>, LedgerOutcome>,
    true satisfies Same<Member<typeof wire.NOTIFICATION_KINDS> | null, ExplainedDecision['kind']>,
    true satisfies Same<Member<typeof wire.ISSUE_STATUSES>, IssueStatus>,
    true satisfies Same<
      Exclude<
        Member<typeof wire.DISPATCH_PROBLEM_CODES>,
        'ISSUES_INVALID' | 'ISSUES_EVENT_ID_REUSED' | 'DISPATCH_ALERT_UNKNOWN'
      >,
      DispatchErrorCode | QueryErrorCode | NotifierErrorCode
    >,
  ];
  expect(agreed).not.toContain(false);
});

test('a route without a maximum age has that of the domain', () => {
  expect(wire.DEFAULT_MAX_SIGNAL_AGE_MS).toBe(DEFAULT_SIGNAL_POLICY.maxSignalAgeMs);
});
