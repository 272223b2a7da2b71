/** A program that suites need and that is no npm package. */
export interface Need {
  /** Such as "Temporal CLI". */
  readonly what: string;
  /** The suites that need it: `x` of `x.system.test.ts`. */
  readonly suites: readonly string[];
  /** Finds it, or installs it; rejects where that is not possible. */
  readonly provide: () => Promise<unknown>;
}

/** A suite that cannot run here. */
export interface MissingNeed {
  readonly suite: string;
  /** One line for people. */
  readonly line: string;
}

/** Provides what is needed, one program after the other; resolves to the suites that cannot run without what is missing. */
export async function findMissingNeeds(needs: readonly Need[]): Promise<readonly MissingNeed[]> {
  const missing: MissingNeed[] = [];
  for (const { what, suites, provide } of needs) {
    try {
      await provide();
    } catch (error) {
      const [why = ''] = (error instanceof Error ? error.message : 'unknown error').trim().split('\n');
      for (const suite of suites)
        missing.push({ suite, line: `not run: ${suite}.system.test.ts needs ${what}: ${why}` });
    }
  }
  return missing;
}
