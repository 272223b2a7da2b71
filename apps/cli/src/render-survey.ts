import { countPlain, type NamespaceSurvey, type Subject, type SubjectCounts } from '@heliograph/codec/survey';
import { Page } from './layout.ts';
import type { Terminal } from './terminal.ts';

const NAMES: Readonly<Record<Subject, string>> = {
  open: 'open runs',
  retained: 'closed runs',
  schedules: 'schedules',
};
const SUBJECTS: readonly Subject[] = ['open', 'retained', 'schedules'];

/** Lays out what the server holds, namespace by namespace. */
export function renderSurveys(
  surveys: readonly NamespaceSurvey[],
  terminal: Pick<Terminal, 'env' | 'isTty' | 'columns'>,
): string {
  const page = new Page(terminal);
  for (const [index, survey] of surveys.entries()) {
    if (index > 0) page.gap();
    page.add(survey.namespace, { style: 'strong' });
    page.table(
      [
        ['', 'total', 'plain', 'text in clear', 'references', 'unreadable'],
        ...SUBJECTS.map((subject) => [NAMES[subject], ...cells(survey[subject])]),
      ],
      2,
    );
    if (survey.keys.length > 0)
      page
        .gap()
        .table(
          [
            ['key', ...SUBJECTS.map((subject) => NAMES[subject])],
            ...survey.keys.map((use) => [
              `${use.domain ?? '-'}/${use.keyId}`,
              ...SUBJECTS.map((subject) => String(use[subject])),
            ]),
          ],
          2,
        );
    if (survey.isOverflown)
      page.add('Payloads name more than 1,000 keys; not all are listed.', { indent: 2 });
    if (survey.gone > 0) page.add(`${survey.gone} were deleted meanwhile.`, { indent: 2, style: 'faint' });
    for (const { name, place } of survey.examples)
      page.add(`plain: ${name}: ${place}`, { indent: 2, hanging: 2, style: 'bad' });
  }
  return page.toString();
}

/** One sentence about plain payloads; null where there are none. */
export function describePlain(surveys: readonly NamespaceSurvey[]): string | null {
  const counts = surveys.map((survey) => [survey.namespace, countPlain(survey)] as const);
  const found = counts.filter(([, count]) => count > 0);
  if (found.length === 0) return null;
  return found.map(([namespace, count]) => `${namespace}: ${count}`).join(', ');
}

function cells({ total, plain, clearText, references, unreadable }: SubjectCounts): readonly string[] {
  return [total, plain, clearText, references, unreadable].map(String);
}
