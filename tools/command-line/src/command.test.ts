import { describe, expect, test } from '@jest/globals';
import { formatUsage, parseCommand, type Command } from './command.ts';

const options = {
  quick: { kind: 'flag', help: 'Run a short version.' },
  seed: { kind: 'number', help: 'Decides what is random.' },
  alerts: { kind: 'number', min: 1, max: 5000, help: 'How many alerts.' },
  only: { kind: 'text', placeholder: 'NAMES', help: 'Which kinds.' },
} as const;
const positionals = { name: 'SCENARIO', choices: ['dispatch', 'health'], count: 'one' } as const;
const command: Command<typeof options> = {
  invocation: 'npm run chaos --',
  summary: 'Breaks things and checks what came out.',
  positionals,
  options,
};
const several = { ...command, positionals: { ...positionals, count: 'any' } } as const;

describe('arguments are accepted', () => {
  const none = { quick: false, seed: undefined, alerts: undefined, only: undefined };
  test.each([
    [['dispatch'], none],
    [['dispatch', '--quick'], { ...none, quick: true }],
    [['--seed', '7', 'dispatch'], { ...none, seed: 7 }],
    [['dispatch', '--seed=7', '--alerts=5000'], { ...none, seed: 7, alerts: 5000 }],
    [['dispatch', '--seed=7', '--seed', '8'], { ...none, seed: 8 }],
    [['dispatch', '--only=a,7'], { ...none, only: 'a,7' }],
    [['dispatch', '--only', '7'], { ...none, only: '7' }],
    [['--', 'dispatch'], none],
  ])('%j', (argv, values) => {
    expect(parseCommand(command, argv)).toEqual({ kind: 'run', positionals: ['dispatch'], values });
  });

  test.each([[[]], [['health', 'dispatch']]])('any number of them: %j', (argv) => {
    expect(parseCommand(several, argv)).toMatchObject({ kind: 'run', positionals: argv });
  });

  test.each([[['--help']], [['-h']], [['dispatch', '--help', '--quick']]])('%j asks for help', (argv) => {
    expect(parseCommand(command, argv)).toEqual({ kind: 'help' });
  });
});

describe('arguments are refused in one line', () => {
  const choices = 'SCENARIO is one of dispatch, health';
  const whole = (text: string, name = 'seed', range = '0 to 999999999') =>
    `Option '--${name}' takes a whole number from ${range}, not '${text}'`;
  test.each([
    [[], `SCENARIO is missing; ${choices}`],
    [['wat'], `Unexpected argument 'wat'; ${choices}`],
    [['dispatch', 'health'], `Unexpected argument 'health'; ${choices}`],
    [['dispatch', '--sed=1'], "Unknown option '--sed'"],
    [['dispatch', '--seed'], "Option '--seed <value>' argument missing"],
    [['dispatch', '--seed', '--quick'], "Option '--seed' argument missing"],
    [['dispatch', '--seed='], whole('')],
    [['dispatch', '--seed=-1'], whole('-1')],
    [['dispatch', '--seed', '1.5'], whole('1.5')],
    [['dispatch', '--seed', '1e3'], whole('1e3')],
    [['dispatch', '--seed', '1000000000'], whole('1000000000')],
    [['dispatch', '--alerts=0'], whole('0', 'alerts', '1 to 5000')],
    [['dispatch', '--only'], "Option '--only <value>' argument missing"],
    [['dispatch', '--only='], "Option '--only' takes a text that is not empty"],
    [['dispatch', '--quick=1'], "Option '--quick' does not take an argument"],
  ])('%j', (argv, problem) => {
    expect(parseCommand(command, argv)).toEqual({ kind: 'wrong', problem });
  });
});

test('a command without positionals takes options only', () => {
  const plain = { invocation: 'npm run lockfile --', summary: 'Completes the lockfile.', options: {} };
  expect(parseCommand(plain, [])).toEqual({ kind: 'run', positionals: [], values: {} });
  expect(parseCommand(plain, ['wat'])).toEqual({ kind: 'wrong', problem: "Unexpected argument 'wat'" });
  expect(formatUsage(plain)).toMatch(
    /^Usage: npm run lockfile -- \[options\]\n\nCompletes the lockfile\.\n\nOptions:\n/,
  );
});

test('the usage shows what there is', () => {
  expect(formatUsage(command)).toBe(`Usage: npm run chaos -- SCENARIO [options]

Breaks things and checks what came out.

SCENARIO: dispatch, health

Options:
  --quick       Run a short version.
  --seed N      Decides what is random.
  --alerts N    How many alerts.
  --only NAMES  Which kinds.
  --help        Print this text.`);
  expect(formatUsage(several)).toMatch(/^Usage: npm run chaos -- \[SCENARIO…\] \[options\]\n/);
});
