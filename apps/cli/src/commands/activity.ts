import type { Argv } from 'yargs';
import { SERVICE_OPTIONS, withTemporal } from '../connect-temporal.ts';
import {
  type HistoryCodecArguments,
  HISTORY_CODEC_OPTIONS,
  openHistoryCodec,
} from '../open-history-codec.ts';
import { readActivities } from '../read-activities.ts';
import { renderActivities } from '../render-activities.ts';
import type { Terminal } from '../terminal.ts';
import type { Command } from './command.ts';

interface ActivityArguments extends HistoryCodecArguments {
  readonly json: boolean;
  readonly temporalAddress: string | undefined;
  readonly namespace: string;
  readonly runId: string | undefined;
  readonly workflowId: string;
}

/** `heliograph activity show`. */
export const activityCommand: Command = {
  register: (parser, terminal) =>
    parser.command('activity', 'Look at activities that run or wait', (group) =>
      registerShow(group, terminal).demandCommand(1, 'activity: expected what to do: show'),
    ),
};

function registerShow(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'show <workflow-id>',
    'Show the activities of a workflow that run or wait, and how far long jobs are',
    (show) =>
      show
        .positional('workflow-id', { type: 'string', demandOption: true, describe: 'The workflow' })
        .options({
          json: SERVICE_OPTIONS.json,
          'temporal-address': SERVICE_OPTIONS['temporal-address'],
          namespace: { type: 'string', requiresArg: true, default: 'default', describe: 'Its namespace' },
          'run-id': { type: 'string', requiresArg: true, describe: 'This run of it; default: the newest' },
          ...HISTORY_CODEC_OPTIONS,
        })
        .example('$0 activity show rotate-keys --keys keys.json', 'percent, records, cursor, status URL'),
    (given) => showActivities(given, terminal),
  );
}

async function showActivities(given: ActivityArguments, terminal: Terminal): Promise<void> {
  const codec = openHistoryCodec(given, given.namespace, terminal);
  const activities = await withTemporal(given, terminal, (connection) =>
    readActivities(connection.workflowService, { ...given, codec }),
  );
  terminal.out(
    given.json
      ? `${JSON.stringify({ activities })}\n`
      : renderActivities(activities, given.workflowId, new Date(), terminal),
  );
}
