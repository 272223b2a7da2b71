import { expect, test } from '@jest/globals';
import { ran } from '../testing/canned-api.ts';

test.each<[readonly string[], RegExp]>([
  [[], /status, register, wait, set-current, ramp, watch, can-stop or patches/],
  [['status'], /deployment/],
  [['status', '-d', 'a.b'], /--deployment: expected a name/],
  [['status', '-d', 'a:b'], /--deployment: expected a name/],
  [['status', '-d', ''], /deployment/],
  [['status', '-d', 'a', '--temporal-address', 'nowhere'], /--temporal-address/],
  [['set-current', '-d', 'a'], /got 0, need at least 1/],
  [['set-current', "r'1", '-d', 'a'], /expected a build id/],
  [['set-current', 'a:r1', '-d', 'a'], /expected a build id/],
  [['set-current', 'r'.repeat(129), '-d', 'a'], /expected a build id/],
  [['set-current', 'r1', '-d', 'a', '--allow-missing-pollers=maybe'], /--allow-missing-pollers/],
  [['ramp', '-d', 'a'], /expected a build and --percent, or --off/],
  [['ramp', 'r1', '-d', 'a'], /expected a build and --percent, or --off/],
  [['ramp', 'r1', '--percent', '101', '-d', 'a'], /--percent/],
  [['ramp', 'r1', '--percent', '-1', '-d', 'a'], /percent/],
  [['ramp', 'r1', '--percent', 'many', '-d', 'a'], /--percent/],
  [['ramp', 'r1', '--off', '-d', 'a'], /--off takes neither/],
  [['ramp', '--off=perhaps', '-d', 'a'], /--off/],
  [['wait', 'r1', '-d', 'a', '--timeout', '0'], /--timeout/],
  [['watch', 'r1', '-d', 'a', '--timeout', 'x'], /--timeout/],
  [['patches', '-d', 'a', '--concurrency', '0'], /--concurrency/],
  [['patches', '-d', 'a', '--introduced-in', 'r1'], /need the id of a patch and --type/],
  [['patches', 'x', '-d', 'a', '--deprecated-in', 'r1'], /need the id of a patch and --type/],
  [['patches', 'x', '-d', 'a', '--type', 't', '--introduced-in', 'r 1'], /expected a build id/],
])('deploy %j is invalid', async (args, line) => {
  const { exitCode, out, err } = await ran(['deploy', ...args], {
    env: { HELIOGRAPH_TEMPORAL_ADDRESS: '127.0.0.1:1' },
  });
  expect([exitCode, out]).toEqual([2, '']);
  expect(err).toMatch(/^heliograph: [^\n]+\n$/);
  expect(err).toMatch(line);
});

test('deploy fails in one line where no Temporal Service answers', async () => {
  const { exitCode, err } = await ran(['deploy', 'set-current', 'r1', '-d', 'a'], {
    env: { HELIOGRAPH_TEMPORAL_ADDRESS: '127.0.0.1:1' },
  });
  expect([exitCode, err]).toEqual([
    1,
    expect.stringMatching(/^heliograph: no Temporal service answers at 127\.0\.0\.1:1[^\n]*\n$/),
  ]);
}, 60_000);
