// A step of npm test: names the commits whose subject is too long. It is no test, because Nx would take its result from
// the cache when only the history changed.
import { fileURLToPath } from 'node:url';
import { findLongSubjects, LONGEST_SUBJECT } from '../src/commit-subjects.ts';

const found = findLongSubjects(fileURLToPath(new URL('../../..', import.meta.url)));
for (const line of found) console.error(line);
if (found.length > 0) {
  console.error(`A subject has at most ${LONGEST_SUBJECT} characters: git commit --amend, or git rebase -i`);
  process.exitCode = 1;
}
