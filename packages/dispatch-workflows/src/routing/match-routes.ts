import {
  explainMatch,
  parseQuery,
  StepLimitError,
  StepMeter,
  type FieldLookup,
  type Query,
} from '@heliograph/query';
import type { SignalPolicy } from '../contract/issue-signal.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { ActiveRoute } from './route-store.ts';

/** A route whose query is parsed. */
export interface CompiledRoute {
  readonly id: string;
  readonly policy: SignalPolicy;
  readonly query: Query;
  readonly connectedAppIds: readonly string[];
}

/**
 * Keeps parsed queries by route id and version, so that each is parsed once per change. A stored query that no longer
 * parses disables its own route only; `onUnreadable` is called once per change.
 */
export function createRouteCompiler(
  onUnreadable: (problem: { readonly routeId: string; readonly error: unknown }) => void = () => undefined,
): (routes: readonly ActiveRoute[]) => readonly CompiledRoute[] {
  let known = new Map<string, { readonly version: number; readonly query: Query | null }>();
  return (routes) => {
    const next = new Map<string, { readonly version: number; readonly query: Query | null }>();
    const compiled: CompiledRoute[] = [];
    for (const { id, version, query: text, connectedAppIds, ...ages } of routes) {
      const before = known.get(id);
      const entry =
        before?.version === version ? before : { version, query: tryParse(id, text, onUnreadable) };
      next.set(id, entry);
      const { renotifyIntervalMs, maxSignalAgeMs } = ages;
      const policy = { version, renotifyIntervalMs, maxSignalAgeMs };
      if (entry.query !== null) compiled.push({ id, policy, query: entry.query, connectedAppIds });
    }
    known = next;
    return compiled;
  };
}

function tryParse(
  routeId: string,
  text: string,
  onUnreadable: (problem: { readonly routeId: string; readonly error: unknown }) => void,
): Query | null {
  try {
    return parseQuery(text);
  } catch (error) {
    onUnreadable({ routeId, error });
    return null;
  }
}

/**
 * How a query sees an issue: `monitor`, `fingerprint`, `status` and `severity` are the issue's own, `label.NAME` and
 * `annotation.NAME` say what they mean, and any other name is a label.
 */
export function issueFields(issue: StoredIssue): FieldLookup {
  return (field) => {
    switch (field) {
      case 'monitor':
        return issue.monitor;
      case 'fingerprint':
        return issue.fingerprint;
      case 'status':
        return issue.status;
      case 'severity':
        return issue.severity;
      default:
        if (field.startsWith('label.')) return ownValue(issue.labels, field.slice('label.'.length));
        if (field.startsWith('annotation.'))
          return ownValue(issue.annotations, field.slice('annotation.'.length));
        return ownValue(issue.labels, field);
    }
  };
}

/**
 * The steps that one query may take on one issue (see `StepMeter`): about 3 ms. They are counted, not timed, so a scan and
 * a later explanation agree. What needs more does not match.
 */
export const MAX_MATCH_STEPS = 400_000;

/** What a query says of an issue, with the part that decided it. */
export type IssueMatch =
  | { readonly kind: 'matched' | 'not_matched'; readonly clause: Query }
  /** It would take more than `MAX_MATCH_STEPS`; the issue counts as not matched. */
  | { readonly kind: 'too_complex' };

/** Matches an issue with a query, within `MAX_MATCH_STEPS`. */
export function matchIssue(query: Query, fields: FieldLookup): IssueMatch {
  try {
    const { matched, clause } = explainMatch(query, fields, new StepMeter(MAX_MATCH_STEPS));
    return { kind: matched ? 'matched' : 'not_matched', clause };
  } catch (error) {
    if (error instanceof StepLimitError) return { kind: 'too_complex' };
    throw error;
  }
}

function ownValue(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
