import type { NotifiedIssue } from '../contract.ts';

/**
 * When the issue ended, in milliseconds since the epoch; null if it has not ended or the end is unknown. The status
 * decides: monitors report a zero or future end of a firing alert, for example when it expires unless it is repeated.
 */
export function endOf({ status, endsAt }: Pick<NotifiedIssue, 'status' | 'endsAt'>): number | null {
  return status === 'resolved' && endsAt !== null && endsAt > 0 ? endsAt : null;
}

/** The labels by which receivers know the issue: its monitor and its severity. */
export function identifyingLabels(
  issue: Pick<NotifiedIssue, 'monitor' | 'severity'>,
): Readonly<Record<'alertname' | 'severity', string>> {
  return { alertname: issue.monitor, severity: issue.severity };
}

/** Whether a label only repeats the issue's name or severity. */
export function repeatsIdentity(
  name: string,
  issue: Pick<NotifiedIssue, 'monitor' | 'severity' | 'labels'>,
): boolean {
  const identity: Readonly<Record<string, string>> = identifyingLabels(issue);
  return Object.hasOwn(identity, name) && identity[name] === issue.labels[name];
}

/**
 * The labels of the issue with the identifying ones, which always have the issue's own values. A label that has such a
 * name and another value is kept under the name with the prefix `exported_`, as Prometheus does, once more if taken.
 */
export function labelsOf(
  issue: Pick<NotifiedIssue, 'monitor' | 'severity' | 'labels'>,
): Readonly<Record<string, string>> {
  const identity = identifyingLabels(issue);
  const others = Object.entries(issue.labels).filter(([name]) => !repeatsIdentity(name, issue));
  const taken = new Set([...Object.keys(identity), ...Object.keys(issue.labels)]);
  const renamed = others.map(([name, value]): readonly [string, string] => {
    if (!Object.hasOwn(identity, name)) return [name, value];
    let free = `exported_${name}`;
    while (taken.has(free)) free = `exported_${free}`;
    return [free, value];
  });
  return Object.fromEntries([...Object.entries(identity), ...renamed]);
}
