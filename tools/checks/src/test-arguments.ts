export interface TestArguments {
  /** How Nx chooses projects: all of them, or those that a change touches. */
  readonly selection: readonly string[];
  readonly affected: boolean;
}

export const USAGE = 'usage: npm test [-- --affected [--base=COMMIT] [--head=COMMIT]]';

/** Reads the arguments of `npm test`; a text says what is wrong with them. */
export function parseTestArguments(argv: readonly string[]): TestArguments | string {
  let affected = false;
  const range: string[] = [];
  for (const argument of argv) {
    if (argument === '--affected') affected = true;
    else if (/^--(?:base|head)=[\w./~^-]+$/.test(argument)) range.push(argument);
    else return `unknown argument ${argument}`;
  }
  if (!affected && range.length > 0) return '--base and --head need --affected';
  return { affected, selection: affected ? ['affected', ...range] : ['run-many'] };
}
