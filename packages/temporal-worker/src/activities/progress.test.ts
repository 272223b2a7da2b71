import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { MAX_CURSOR_BYTES, readProgress, writeProgress } from './progress.ts';

const cursor = v.object({ after: v.number() });

test('a progress is read as it was written', () => {
  const progress = {
    percent: 40,
    records: 400,
    cursor: { after: 400 },
    statusUrl: 'https://jobs.example.com/1',
  };
  const details = writeProgress(progress, cursor, 1000);
  expect(details).toEqual({ ...progress, kind: 'heliograph.progress', savedAt: 1000 });
  expect(readProgress(JSON.parse(JSON.stringify(details)))).toEqual(details);
  expect(readProgress(JSON.parse(JSON.stringify(writeProgress({}, cursor, 1))))).toEqual({
    kind: 'heliograph.progress',
    savedAt: 1,
  });
});

test.each([undefined, null, 5, 'text', {}, { kind: 'heliograph.progress' }, { percent: 40 }])(
  '%j is no progress',
  (details) => {
    expect(readProgress(details)).toBeNull();
  },
);

test.each([
  [{ percent: 101 }, 'percent'],
  [{ percent: -1 }, 'percent'],
  [{ percent: Number.NaN }, 'percent'],
  [{ records: 1.5 }, 'records'],
  [{ records: -1 }, 'records'],
  [{ statusUrl: 'javascript:alert(1)' }, 'statusUrl'],
  [{ statusUrl: 'https://user:secret@jobs.example.com/1' }, 'statusUrl'],
  [{ statusUrl: 'jobs/1' }, 'statusUrl'],
  [{ cursor: { after: Number.NaN } }, 'cursor: it does not fit'],
  [{ cursor: { before: 1 } as unknown as { after: number } }, 'cursor: it does not fit'],
  [{ cursor: { after: 1, note: 'x'.repeat(MAX_CURSOR_BYTES) } }, 'cursor: it is larger'],
])('%j is refused where it is saved', (progress, message) => {
  expect(() => writeProgress(progress, cursor, 1000)).toThrow(message);
});
