import { fileURLToPath } from 'node:url';
import { runCommand } from '@heliograph/command-line';
import { buildApps } from '@heliograph/stack';
import { runSimulation } from '../src/simulate/run-simulation.ts';
import { DEAD_APP, KILLS } from '../src/dispatch/scenario.ts';
import { runDispatchChaos } from '../src/dispatch/run-dispatch-chaos.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const FULL = { alerts: 300, kills: 50 };
const SCHEDULES = 20_000;
const QUICK = { alerts: 60, kills: 12 };

const command = {
  invocation: 'npm run chaos --',
  summary: 'Kills processes of a whole system while it works, and checks every notification.',
  positionals: { name: 'SCENARIO', choices: ['dispatch'], count: 'one' },
  options: {
    quick: { kind: 'flag', help: `${QUICK.alerts} alerts and ${QUICK.kills} kills.` },
    alerts: {
      kind: 'number',
      min: 1,
      max: 999_999,
      help: `Alerts, each with 4 to 7 issues. Default ${FULL.alerts}.`,
    },
    kills: {
      kind: 'number',
      max: 999_999,
      help: `Kills, plus one of the API per 25. Default ${FULL.kills}.`,
    },
    seed: {
      kind: 'number',
      help: 'Determines alerts, kills and faults, but not the timing; with --simulate the first schedule, and all of it. Default 1.',
    },
    'dead-app': {
      kind: 'flag',
      help: 'One dead connected app among ten at a ceiling of 60 running streams, and connections that fall silent.',
    },
    simulate: {
      kind: 'flag',
      help: 'Runs schedules in simulated time, without servers.',
    },
    schedules: {
      kind: 'number',
      min: 1,
      max: 100_000_000,
      help: `Schedules with --simulate. Default ${SCHEDULES}.`,
    },
  },
} as const;

await runCommand(command, async ({ values }) => {
  if (values.simulate) {
    const passed = await runSimulation({
      schedules: values.schedules ?? SCHEDULES,
      seed: values.seed ?? 1,
      print: (line) => console.log(line),
    });
    return passed ? 0 : 1;
  }
  const preset = values.quick ? QUICK : FULL;
  await buildApps(root, ['@heliograph/dispatch-center']);
  const passed = await runDispatchChaos({
    root,
    alerts: values.alerts ?? preset.alerts,
    kills: values.kills ?? preset.kills,
    seed: values.seed ?? 1,
    profile: values['dead-app'] ? DEAD_APP : KILLS,
    print: (line) => console.log(line),
  });
  return passed ? 0 : 1;
});
