import { type Findings, type KeyName, MAX_KEYS, nameKey } from './run-findings.ts';

/** Where findings are from: a run that is open, one that is closed and retained, or a schedule. */
export type Subject = 'open' | 'retained' | 'schedules';

/** How many runs, or schedules, and how many of them hold what. */
export interface SubjectCounts {
  readonly total: number;
  readonly plain: number;
  readonly clearText: number;
  readonly references: number;
  readonly unreadable: number;
}

/** How many runs and schedules name a key. */
export type KeyUse = KeyName & Readonly<Record<Subject, number>>;

/** What the Temporal Server holds of a namespace. Nothing of it was decrypted. */
export interface NamespaceSurvey extends Readonly<Record<Subject, SubjectCounts>> {
  readonly namespace: string;
  /** In order of domain and id. */
  readonly keys: readonly KeyUse[];
  /** Where plain payloads were found first: up to 5. */
  readonly examples: readonly { readonly name: string; readonly place: string }[];
  /** Runs whose history was deleted while they were counted. */
  readonly gone: number;
  /** Whether payloads name more than 1,000 keys, so that `keys` does not hold all. */
  readonly isOverflown: boolean;
}

const NOTHING: SubjectCounts = { total: 0, plain: 0, clearText: 0, references: 0, unreadable: 0 };
const MAX_EXAMPLES = 5;

export function emptySurvey(namespace: string): NamespaceSurvey {
  return {
    namespace,
    open: NOTHING,
    retained: NOTHING,
    schedules: NOTHING,
    keys: [],
    examples: [],
    gone: 0,
    isOverflown: false,
  };
}

/** Adds what one run or schedule holds. */
export function countFindings(
  survey: NamespaceSurvey,
  subject: Subject,
  name: string,
  findings: Findings,
): NamespaceSurvey {
  const { total, plain, clearText, references, unreadable } = survey[subject];
  const { plainPlace } = findings;
  const keys = new Map(survey.keys.map((use) => [nameKey(use), use]));
  let isOverflown = survey.isOverflown || findings.isOverflown;
  for (const [id, key] of findings.keys) {
    const use = keys.get(id) ?? { ...key, open: 0, retained: 0, schedules: 0 };
    if (keys.has(id) || keys.size < MAX_KEYS) keys.set(id, { ...use, [subject]: use[subject] + 1 });
    else isOverflown = true;
  }
  const isExample = plainPlace !== null && survey.examples.length < MAX_EXAMPLES;
  return {
    ...survey,
    [subject]: {
      total: total + 1,
      plain: plain + (plainPlace === null ? 0 : 1),
      clearText: clearText + Number(findings.hasClearText),
      references: references + Number(findings.hasReferences),
      unreadable: unreadable + Number(findings.hasUnreadable),
    },
    keys: [...keys].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, use]) => use),
    examples: isExample ? [...survey.examples, { name, place: plainPlace }] : survey.examples,
    isOverflown,
  };
}

/** How many runs and schedules hold a plain payload: above zero, a strict worker would fail them. */
export function countPlain({ open, retained, schedules }: NamespaceSurvey): number {
  return open.plain + retained.plain + schedules.plain;
}

/** How many runs and schedules name a key; of a domain, or in a place that has none. */
export function countUses(survey: NamespaceSurvey, { domain, keyId }: KeyName): number {
  return survey.keys
    .filter((use) => use.keyId === keyId && (use.domain === null || use.domain === domain))
    .reduce((sum, use) => sum + use.open + use.retained + use.schedules, 0);
}
