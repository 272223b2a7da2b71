import { createApi } from '../api-client.ts';
import { explanationSchema } from '../api-schemas.ts';
import { CliError } from '../errors.ts';
import { apiOptions, SHARED_OPTIONS } from '../options.ts';
import { renderExplanation } from '../render-explanation.ts';
import type { Command } from './command.ts';

/** `heliograph explain alert FINGERPRINT`. */
export const explainCommand: Command = {
  register: (parser, terminal) =>
    parser.command('explain', 'Explain what was decided, and why', (group) =>
      group
        .command(
          'alert <fingerprint>',
          'Explain the newest issue of an alert: who was told, who was not, and why',
          (alert) =>
            alert
              .positional('fingerprint', {
                type: 'string',
                demandOption: true,
                describe: 'The fingerprint, as the monitor reported it or as POST /issues answered it',
              })
              .options({
                ...SHARED_OPTIONS,
                at: {
                  type: 'string',
                  requiresArg: true,
                  describe: 'The newest issue stored by then, such as 2026-01-31T12:00:00Z',
                },
                event: { type: 'string', requiresArg: true, describe: 'Only the event of this id' },
              })
              .example('$0 explain alert pod-web-1', 'what was decided last')
              .example('$0 explain alert pod-web-1 --at 2026-01-31T03:00:00Z', 'what was decided at night'),
          async ({ fingerprint, at, event, ...shared }) => {
            if (fingerprint === '')
              throw new CliError('CLI_USAGE', 'FINGERPRINT: expected at least one character');
            const { value, text } = await createApi(apiOptions(shared, terminal)).get(
              'api/v1/explain',
              { fingerprint, at: at === undefined ? undefined : instantOf(at), eventId: event },
              explanationSchema,
            );
            terminal.out(shared.json ? `${text.trimEnd()}\n` : renderExplanation(value, terminal));
          },
        )
        .demandCommand(1, 'explain: say what, such as alert FINGERPRINT'),
    ),
};

const INSTANT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** Checked here, because `Date.parse` takes much that is none; a date alone is its beginning in UTC. */
function instantOf(text: string): string {
  const at = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  const day = text.slice(0, 10);
  // It takes the 31st of February for the 3rd of March, too.
  if (Number.isNaN(at) || !new Date(day).toISOString().startsWith(day)) {
    throw new CliError('CLI_USAGE', '--at: expected an instant with its zone, such as 2026-01-31T12:00:00Z');
  }
  return new Date(at).toISOString();
}
