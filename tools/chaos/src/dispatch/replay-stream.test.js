import { expect, test } from '@jest/globals';
import { replayStream } from './replay-stream.js';

/** @type {Record<string, import('./evidence.js').Status>} */
const LETTERS = { F: 'firing', S: 'suppressed', R: 'resolved' };

/**
 * @param {string} letters
 * @param {number | null} renotifyIntervalMs
 * @param {readonly number[]} [dropped] positions, from 1
 * @param {boolean} [wasUncertain] whether those may have arrived
 */
function replayed(letters, renotifyIntervalMs, dropped = [], wasUncertain = false) {
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
  const words = { demanded: '', allowed: '?', none: '' };
  return [...steps.map(({ kind, verdict }) => `${kind ?? '-'}${words[verdict]}`), state.status].join(' ');
}

test.each([
  ['FFR', null, 'trigger - resolve resolved'],
  ['FFR', 15_000, 'trigger update? resolve resolved'],
  ['FRFF', null, 'trigger resolve trigger - firing'],
  ['FSFR', null, 'trigger - update resolve resolved'],
  ['FSFR', 15_000, 'trigger - update resolve resolved'],
  ['SFS', null, '- trigger - firing'],
  ['RFR', null, '- trigger resolve resolved'],
])('%s, repeated every %s ms: %s', (letters, interval, expected) => {
  expect(replayed(letters, interval)).toBe(expected);
});

test('a bypass that was dropped is due again, and so is what may have arrived', () => {
  expect(replayed('FSFF', null, [3])).toBe('trigger - update update firing');
  expect(replayed('FR', null, [1], true)).toBe('trigger resolve resolved');
});

test('what was dropped left everything as it was', () => {
  expect(replayed('FFR', null, [1])).toBe('trigger trigger resolve resolved');
  expect(replayed('FFR', null, [1, 2])).toBe('trigger trigger - none');
  expect(replayed('FRF', null, [2])).toBe('trigger resolve - firing');
});
