import { execFileSync } from 'node:child_process';

/** The longest subject that `git log --oneline` and the lists of a forge show whole. */
export const LONGEST_SUBJECT = 72;

/** The subjects were not checked before the commit that added this file. */
const SINCE = 'tools/checks/src/commit-subjects.ts';

/**
 * Finds the commits whose subject is too long, from the one that introduced the check. In a shallow clone git takes its
 * oldest commit for the one that added every file, so the check covers what is there. Merges are left out: a forge writes
 * their subjects.
 * @param root of a git repository
 * @param since a file; its first commit is the first that is checked
 * @returns lines such as `1a2b3c4 (75) fix(x): …`
 */
export function findLongSubjects(root: string, since: string = SINCE): readonly string[] {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8' });
  const first = git('log', '--diff-filter=A', '--format=%H', '--', since).trim().split('\n').at(-1);
  if (first === undefined || first === '') return [];
  // The ancestors of the first commit are left out, and it is put back.
  const log =
    git('log', '--no-merges', '--format=%h %s', `${first}..HEAD`) + git('log', '-1', '--format=%h %s', first);
  return log.split('\n').flatMap((line) => {
    const [hash = '', subject = ''] = line.split(/ (.*)/);
    const { length } = subject;
    return length > LONGEST_SUBJECT ? [`${hash} (${length}) ${subject}`] : [];
  });
}
