/** The outcome of one mutant, as StrykerJS reports it. */
export interface MutantOutcome {
  readonly status: string;
  readonly fileName: string;
}

/** How many mutants of one file, or of all, the tests noticed. */
export interface MutantScore {
  readonly file: string;
  /** A test failed, or did not end. */
  readonly killed: number;
  /** All tests passed, or none ran the code. */
  readonly survived: number;
  /** killed / (killed + survived), in per cent; 100 where there are none. */
  readonly score: number;
}

const KILLED = new Set(['Killed', 'Timeout']);
const SURVIVED = new Set(['Survived', 'NoCoverage']);

/** Scores mutants by file, the lowest first. Mutants that are ignored or do not compile do not count. */
export function summarizeMutants(mutants: readonly MutantOutcome[]): {
  readonly files: readonly MutantScore[];
  readonly all: MutantScore;
} {
  const byFile = Map.groupBy(mutants, ({ fileName }) => fileName);
  const files = [...byFile].map(([file, those]) => scoreMutants(file, those));
  return {
    files: files.toSorted((a, b) => a.score - b.score || a.file.localeCompare(b.file)),
    all: scoreMutants('all', mutants),
  };
}

function scoreMutants(file: string, mutants: readonly MutantOutcome[]): MutantScore {
  const killed = mutants.filter(({ status }) => KILLED.has(status)).length;
  const survived = mutants.filter(({ status }) => SURVIVED.has(status)).length;
  return {
    file,
    killed,
    survived,
    score: killed + survived === 0 ? 100 : (100 * killed) / (killed + survived),
  };
}
