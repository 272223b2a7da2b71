import { expect, test } from '@jest/globals';
import { summarizeMutants } from './summarize-mutants.ts';

const of = (fileName: string, ...statuses: readonly string[]) =>
  statuses.map((status) => ({ fileName, status }));

test('files are scored, the lowest first, and so is the whole', () => {
  const { files, all } = summarizeMutants([
    ...of('src/b.ts', 'Killed', 'Timeout', 'Survived', 'NoCoverage'),
    ...of('src/a.ts', 'Killed', 'Killed', 'Killed', 'Survived'),
    ...of('src/d.ts', 'Killed'),
    ...of('src/c.ts', 'Ignored', 'CompileError', 'RuntimeError'),
  ]);
  expect(files).toEqual([
    { file: 'src/b.ts', killed: 2, survived: 2, score: 50 },
    { file: 'src/a.ts', killed: 3, survived: 1, score: 75 },
    { file: 'src/c.ts', killed: 0, survived: 0, score: 100 },
    { file: 'src/d.ts', killed: 1, survived: 0, score: 100 },
  ]);
  expect(all).toEqual({ file: 'all', killed: 6, survived: 3, score: (100 * 6) / 9 });
});

test('without mutants the score is full', () => {
  expect(summarizeMutants([])).toEqual({
    files: [],
    all: { file: 'all', killed: 0, survived: 0, score: 100 },
  });
});
