import { DISPATCH_CENTER } from '../api.ts';
import { askApi } from '../connect.ts';
import { CliError } from '../errors.ts';
import { apiOptions, sharedOptions } from '../options.ts';
import { parseInstant } from '../parse-instant.ts';
import { renderExplanation } from '../render-explanation.ts';
import type { Command } from './command.ts';

/** `heliograph explain alert FINGERPRINT`. */
export const explainCommand: Command = {
  register: (parser, terminal) =>
    parser.command('explain', 'Explain what was decided, and why', (group) =>
      group
        .command(
          'alert <fingerprint>',
          'Explain the newest issue of an alert: who was notified, who was not, and why',
          (alert) =>
            alert
              .positional('fingerprint', {
                type: 'string',
                demandOption: true,
                describe:
                  'The fingerprint as the monitor reported it, or as the answer to POST /issues has it',
              })
              .options({
                ...sharedOptions(DISPATCH_CENTER),
                at: {
                  type: 'string',
                  requiresArg: true,
                  describe: 'Explain the newest issue stored by then, such as 2026-01-31T12:00:00Z',
                },
                event: {
                  type: 'string',
                  requiresArg: true,
                  describe: 'Explain the issue with this event id',
                },
              })
              .example('$0 explain alert pod-web-1', 'the newest decision')
              .example(
                '$0 explain alert pod-web-1 --at 2026-01-31T03:00:00Z',
                'the newest decision at that time',
              ),
          async ({ fingerprint, at, event, ...shared }) => {
            if (fingerprint === '')
              throw new CliError('CLI_USAGE', 'FINGERPRINT: expected at least one character');
            if (event === '') throw new CliError('CLI_USAGE', '--event: expected at least one character');
            const query = {
              fingerprint,
              at: at === undefined ? undefined : parseInstant('--at', at),
              eventId: event,
            };
            const { body, text } = await askApi(
              {
                api: DISPATCH_CENTER,
                options: apiOptions(DISPATCH_CENTER, shared, terminal),
                scope: 'explain:read',
              },
              (client) => client.explainAlert({ query }),
            );
            terminal.out(shared.json ? `${text.trimEnd()}\n` : renderExplanation(body, terminal));
          },
        )
        .demandCommand(1, 'explain: expected a subject, such as alert FINGERPRINT'),
    ),
};
