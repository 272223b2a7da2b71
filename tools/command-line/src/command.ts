import { parseArgs } from 'node:util';

/** An option that is given or not. */
export interface FlagOption {
  readonly kind: 'flag';
  readonly help: string;
}

/** An option with a whole number. */
export interface NumberOption {
  readonly kind: 'number';
  /** Default 0. */
  readonly min?: number;
  /** Default 999,999,999. */
  readonly max?: number;
  readonly help: string;
}

/** An option with a text, which must not be empty. */
export interface TextOption {
  readonly kind: 'text';
  /** Shown in the usage, for example `GLOB`. */
  readonly placeholder: string;
  readonly help: string;
}

/** Options by name, without the hyphens. */
export type CommandOptions = Readonly<Record<string, FlagOption | NumberOption | TextOption>>;

/** What a command line may be. `--help` is always there. */
export interface Command<O extends CommandOptions> {
  /** What a person types before the arguments, for example `npm run chaos --`. */
  readonly invocation: string;
  /** What the command does, in one sentence. */
  readonly summary: string;
  /** Without them there are only options. */
  readonly positionals?: {
    /** Shown in the usage, for example `SCENARIO`. */
    readonly name: string;
    readonly choices: readonly string[];
    /** `one`: exactly one; `any`: none, one or several. */
    readonly count: 'one' | 'any';
  };
  readonly options: O;
}

/** What was given: flags are true or false, numbers and texts that were not given are undefined. */
export type CommandValues<O extends CommandOptions> = {
  readonly [K in keyof O]: O[K] extends FlagOption
    ? boolean
    : (O[K] extends NumberOption ? number : string) | undefined;
};

/** What to do with a command line: run it, print the usage, or say what is wrong with it. */
export type ParsedCommand<O extends CommandOptions> =
  | { readonly kind: 'run'; readonly positionals: readonly string[]; readonly values: CommandValues<O> }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string };

/** Parses the arguments of a command. `--name value` and `--name=value` mean the same; the last one counts. */
export function parseCommand<const O extends CommandOptions>(
  command: Command<O>,
  argv: readonly string[],
): ParsedCommand<O> {
  const given = parseTokens(command.options, argv);
  if (typeof given === 'string') return { kind: 'wrong', problem: given };
  const { positionals, values } = given;
  if (values['help'] === true) return { kind: 'help' };
  const problem = [
    checkPositionals(command.positionals, positionals),
    ...Object.entries(command.options).map(([name, option]) => checkValue(name, option, values[name])),
  ].find((each) => each !== null);
  if (problem !== undefined && problem !== null) return { kind: 'wrong', problem };
  const read = Object.entries(command.options).map(([name, { kind }]) => {
    const value = values[name];
    if (kind === 'flag') return [name, value === true];
    return [name, kind === 'number' && value !== undefined ? Number(value) : value];
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one value per option, by its kind
  return { kind: 'run', positionals, values: Object.fromEntries(read) as CommandValues<O> };
}

type Tokens = {
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
};

/** Gives what was given, or says what is wrong with it. */
function parseTokens(options: CommandOptions, argv: readonly string[]): Tokens | string {
  const types: Record<string, { type: 'boolean' | 'string'; short?: string }> = {};
  for (const [name, { kind }] of Object.entries(options))
    types[name] = { type: kind === 'flag' ? 'boolean' : 'string' };
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { ...types, help: { type: 'boolean', short: 'h' } },
    });
    return { positionals, values: { ...values } };
  } catch (error) {
    return firstSentence(String(error));
  }
}

/** Formats what `--help` prints. */
export function formatUsage(command: Command<CommandOptions>): string {
  const { positionals } = command;
  const shape = positionals && (positionals.count === 'one' ? positionals.name : `[${positionals.name}…]`);
  const rows = Object.entries(command.options).map(([option, spec]) => [
    `--${option}${spec.kind === 'flag' ? '' : ` ${spec.kind === 'number' ? 'N' : spec.placeholder}`}`,
    spec.help,
  ]);
  const all = [...rows, ['--help', 'Print this text.']];
  const width = Math.max(...all.map(([left = '']) => left.length));
  return [
    `Usage: ${command.invocation} ${shape === undefined ? '' : `${shape} `}[options]`,
    '',
    command.summary,
    '',
    ...(positionals === undefined ? [] : [`${positionals.name}: ${positionals.choices.join(', ')}`, '']),
    'Options:',
    ...all.map(([left = '', right = '']) => `  ${left.padEnd(width)}  ${right}`),
  ].join('\n');
}

function checkPositionals(
  expected: Command<CommandOptions>['positionals'],
  given: readonly string[],
): string | null {
  if (expected === undefined) return given[0] === undefined ? null : `Unexpected argument '${given[0]}'`;
  const { name, choices, count } = expected;
  const known = `${name} is ${count === 'one' ? 'one' : 'some'} of ${choices.join(', ')}`;
  if (count === 'one' && given.length === 0) return `${name} is missing; ${known}`;
  const wrong = given.find((each, index) => !choices.includes(each) || (count === 'one' && index > 0));
  return wrong === undefined ? null : `Unexpected argument '${wrong}'; ${known}`;
}

function checkValue(
  name: string,
  option: CommandOptions[string],
  value: string | boolean | undefined,
): string | null {
  if (option.kind === 'flag' || typeof value !== 'string') return null;
  if (option.kind === 'text')
    return value === '' ? `Option '--${name}' takes a text that is not empty` : null;
  const { min = 0, max = 999_999_999 } = option;
  const isRight = /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max;
  return isRight ? null : `Option '--${name}' takes a whole number from ${min} to ${max}, not '${value}'`;
}

/** Node explains at length, and over several lines, what it does not take. */
function firstSentence(error: string): string {
  const [first = ''] = error.replace(/^\w+(?: \[\w+\])?: /, '').split(/\.(?:\s|$)|\n/);
  return first.replace(/argument is ambiguous$/, 'argument missing');
}
