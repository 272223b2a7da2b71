/** One figure and its goal. Exactly one of `atLeast` and `atMost` is present. */
export interface Goal {
  /** The path of the figure in the report, for example `retryAfter.p50Ms`. */
  readonly name: string;
  /** `null` if it could not be measured. */
  readonly value: number | null;
  readonly unit: string;
  readonly goal: number;
  readonly atLeast?: true;
  readonly atMost?: true;
  readonly met: boolean;
}

/** Compares a figure with the least that it should be. */
export function atLeast(name: string, value: number, unit: string, goal: number): Goal {
  return { name, value: measured(value), unit, goal, atLeast: true, met: value >= goal };
}

/** Compares a figure with the most that it should be. */
export function atMost(name: string, value: number, unit: string, goal: number): Goal {
  return { name, value: measured(value), unit, goal, atMost: true, met: value <= goal };
}

/** Formats goals as the lines of a table that marks those which were missed. */
export function formatGoals(goals: readonly Goal[]): readonly string[] {
  const rows = [
    ['figure', 'value', 'goal', ''],
    ...goals.map(({ name, value, unit, goal, atLeast: isLeast, met }) => [
      name,
      value === null ? 'none' : `${value} ${unit}`,
      `${isLeast === true ? '≥' : '≤'} ${goal} ${unit}`,
      met ? '' : 'MISSED',
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** JSON has no NaN: a figure without a single measurement is null. */
function measured(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
