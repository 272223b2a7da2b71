import { CliError } from './errors.ts';

const INSTANT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * Reads an instant; a date alone is its beginning in UTC. Checked here, because `Date.parse` is lenient.
 *
 * @throws {CliError} CLI_USAGE, naming the option
 */
export function parseInstant(option: string, text: string): string {
  const at = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  const day = text.slice(0, 10);
  // `Date.parse` also takes the 31st of February for the 3rd of March.
  if (Number.isNaN(at) || !new Date(day).toISOString().startsWith(day)) {
    throw new CliError(
      'CLI_USAGE',
      `${option}: expected an instant with its zone, such as 2026-01-31T12:00:00Z`,
    );
  }
  return new Date(at).toISOString();
}
