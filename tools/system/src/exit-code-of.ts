/** How a run of the tests ended. */
export interface SystemRun {
  /** The exit code of the test runner; null where a signal ended it. */
  readonly status: number | null;
  /** Suites that could not run. */
  readonly missing: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The exit code of `npm run test:system`: a suite that could not run is no success. On a machine without the programs,
 * `HELIOGRAPH_SYSTEM_OPTIONAL=1` accepts that; under `CI=true` nothing does.
 */
export function exitCodeOf({ status, missing, env }: SystemRun): number {
  const isOptional = env['HELIOGRAPH_SYSTEM_OPTIONAL'] === '1' && env['CI'] !== 'true';
  if (status === 0 && missing > 0 && !isOptional) return 1;
  return status ?? 1;
}
