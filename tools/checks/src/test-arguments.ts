export interface TestArguments {
  readonly kind: 'run';
  /** How Nx chooses projects: all of them, or those that a change touches. */
  readonly selection: readonly string[];
  readonly affected: boolean;
  /** Whether tests run on the oldest Node that packages promise, instead of the pinned one. */
  readonly onFloor: boolean;
  /**
   * Whether the tests of whole systems, which install what they need, run after the checks, or alone (`npm run
   * test:system`).
   */
  readonly system: 'none' | 'too' | 'only';
}

/** The line of the oldest Node that packages promise. */
const FLOOR_MAJOR = '22';

export const USAGE = `usage: npm test [-- [--system | --with-system] [--affected [--base=COMMIT] [--head=COMMIT]] [--node ${FLOOR_MAJOR}] [--help]]`;

/** Reads the arguments of `npm test`; a text says what is wrong with them. */
export function parseTestArguments(argv: readonly string[]): TestArguments | { kind: 'help' } | string {
  let affected = false;
  let onFloor = false;
  let system: TestArguments['system'] = 'none';
  const range: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? '';
    if (argument === '--help' || argument === '-h') return { kind: 'help' };
    if (argument === '--affected') affected = true;
    else if (argument === '--system') system = 'only';
    else if (argument === '--with-system') system = 'too';
    else if (/^--(?:base|head)=[\w./~^-]+$/.test(argument)) range.push(argument);
    else if (argument === '--node' || argument.startsWith('--node=')) {
      const major = argument === '--node' ? argv[++index] : argument.slice('--node='.length);
      if (major !== FLOOR_MAJOR) return `--node ${major ?? ''} is not ${FLOOR_MAJOR}`;
      onFloor = true;
    } else return `unknown argument ${argument}`;
  }
  if (!affected && range.length > 0) return '--base and --head need --affected';
  return {
    kind: 'run',
    affected,
    onFloor,
    system,
    selection: affected ? ['affected', ...range] : ['run-many'],
  };
}
