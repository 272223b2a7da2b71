import { expect, test } from '@jest/globals';
import type { Status } from './evidence.ts';
import { replayStream } from './replay-stream.ts';

const LETTERS: Readonly<Record<string, Status>> = { F: 'firing', S: 'suppressed', R: 'resolved' };

/** Replays a story; `dropped` are positions from 1, and `wasUncertain` says whether those may have arrived. */
function replay(
  letters: string,
  renotifyIntervalMs: number | null,
  dropped: readonly number[] = [],
  wasUncertain = false,
): string {
  const issues = Array.from(letters, (letter, index) => ({
    eventId: `e${index}`,
    fingerprint: 'f',
    status: LETTERS[letter] ?? 'firing',
    position: String(index + 1),
    severity: '',
    labels: {},
    storedAt: 1000 * index,
  }));
  const { steps, state } = replayStream(issues, { renotifyIntervalMs, maxSignalAgeMs: 60_000 }, (position) =>
    dropped.includes(Number(position)) ? { status: 'dropped', wasUncertain } : undefined,
  );
  const marks = { demanded: '', allowed: '?', none: '' };
  return [...steps.map(({ kind, verdict }) => `${kind ?? '-'}${marks[verdict]}`), state.status].join(' ');
}

test.each([
  ['FFR', null, 'trigger - resolve resolved'],
  ['FFR', 15_000, 'trigger update? resolve resolved'],
  ['FRFF', null, 'trigger resolve trigger - firing'],
  ['FSFR', null, 'trigger - update resolve resolved'],
  ['FSFR', 15_000, 'trigger - update resolve resolved'],
  ['SFS', null, '- trigger - firing'],
  ['RFR', null, '- trigger resolve resolved'],
])('%s, renotified every %s ms: %s', (letters, interval, expected) => {
  expect(replay(letters, interval)).toBe(expected);
});

test('a bypass that was dropped is due again, and so is the resolve of a trigger that may have arrived', () => {
  expect(replay('FSFF', null, [3])).toBe('trigger - update update firing');
  expect(replay('FR', null, [1], true)).toBe('trigger resolve resolved');
});

test('a dropped notification leaves everything as it was', () => {
  expect(replay('FFR', null, [1])).toBe('trigger trigger resolve resolved');
  expect(replay('FFR', null, [1, 2])).toBe('trigger trigger - none');
  expect(replay('FRF', null, [2])).toBe('trigger resolve - firing');
});
