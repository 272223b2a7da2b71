import { DeploymentError } from '@heliograph/temporal-worker/deployments';
import { expect, test } from '@jest/globals';
import { CliError } from './errors.ts';
import { type Look, waitUntil } from './wait-until.ts';

const silent = new DeploymentError('DEPLOYMENT_NO_ANSWER', 'no answer about d', { retryable: true });

/** Looks that give these, one after the other, and the last of them for ever. */
function looks(...outcomes: readonly (Look<string> | Error)[]): () => Promise<Look<string>> {
  let next = 0;
  return async () => {
    const outcome = outcomes[Math.min(next++, outcomes.length - 1)];
    if (outcome === undefined || outcome instanceof Error) throw outcome;
    return outcome;
  };
}

test('a server that is silent for a moment is waited for like anything else', async () => {
  const shown: string[] = [];
  const found = waitUntil(looks({ waitsFor: 'q' }, silent, { waitsFor: 'r' }, { found: 'it' }), {
    deadline: Number.POSITIVE_INFINITY,
    show: (reason) => shown.push(reason),
    pollMs: 0,
  });
  await expect(found).resolves.toBe('it');
  expect(shown).toEqual(['q', 'no answer about d', 'r']);
});

test.each<[string, Look<string> | Error]>([
  ['q', { waitsFor: 'q' }],
  ['no answer about d', silent],
])('at the deadline it says that %s', async (message, outcome) => {
  await expect(
    waitUntil(looks(outcome), { deadline: 0, show: () => undefined, pollMs: 0 }),
  ).rejects.toMatchObject({ code: 'CLI_TIMED_OUT', message });
});

test.each([
  new DeploymentError('DEPLOYMENT_BUILD_UNKNOWN', 'no build r1'),
  new CliError('CLI_DEPLOYMENT_REFUSED', 'it does not drain'),
  new TypeError('ours'),
])('what does not pass fails at once: %s', async (error) => {
  const waiting = waitUntil(looks(error, { found: 'it' }), {
    deadline: Number.POSITIVE_INFINITY,
    show: () => undefined,
    pollMs: 0,
  });
  await expect(waiting).rejects.toBe(error);
});
