import { changeRouting, type RoutingChange } from '@heliograph/temporal-worker/deployments';
import type { Argv } from 'yargs';
import { BUILD, DEPLOYMENT_OPTIONS, type DeploymentArguments, withDeployments } from '../deployments.ts';
import { CliError } from '../errors.ts';
import { describeRouting, toJson } from '../render-deployment.ts';
import type { Terminal } from '../terminal.ts';

const CHANGE_OPTIONS = {
  ...DEPLOYMENT_OPTIONS,
  'allow-missing-pollers': {
    type: 'boolean',
    default: false,
    describe: 'Change it although no worker of the build polls a task queue; work then waits there',
  },
} as const;

interface ChangeArguments extends DeploymentArguments {
  readonly allowMissingPollers: boolean;
}

/** `heliograph deploy set-current BUILD` */
export function registerSetCurrent(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'set-current <build>',
    'Route all new work to a build, once its workers poll every task queue',
    (command) => command.positional('build', BUILD).options(CHANGE_OPTIONS),
    async ({ build, ...given }) => change(given, terminal, { kind: 'set-current', buildId: build }),
  );
}

/** `heliograph deploy ramp BUILD --percent N` and `heliograph deploy ramp --off` */
export function registerRamp(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'ramp [build]',
    'Route a share of new work to a build, or end the ramp',
    (command) =>
      command
        .positional('build', { type: 'string', describe: 'Build id' })
        .options({
          ...CHANGE_OPTIONS,
          percent: { type: 'number', requiresArg: true, describe: 'The share, from 0 to 100' },
          off: {
            type: 'boolean',
            default: false,
            describe: 'End the ramp: the current build gets all new work',
          },
        })
        .example('$0 deploy ramp r42 --percent 10 -d dispatch-center', 'a tenth of new runs')
        .example('$0 deploy ramp --off -d dispatch-center', 'back to the current build'),
    async ({ build, percent, off, ...given }) => change(given, terminal, rampOf(build, percent, off)),
  );
}

function rampOf(build: string | undefined, percent: number | undefined, isOff: boolean): RoutingChange {
  if (isOff) {
    if (build !== undefined || percent !== undefined)
      throw new CliError('CLI_USAGE', 'ramp: --off takes neither a build nor --percent');
    return { kind: 'end-ramp' };
  }
  if (build === undefined || percent === undefined)
    throw new CliError('CLI_USAGE', 'ramp: expected a build and --percent, or --off');
  if (!(percent >= 0 && percent <= 100))
    throw new CliError('CLI_USAGE', '--percent: expected a number from 0 to 100');
  return { kind: 'ramp', buildId: build, percent };
}

async function change(given: ChangeArguments, terminal: Terminal, wanted: RoutingChange): Promise<void> {
  const { allowMissingPollers } = given;
  const { isChanged, before, after } = await withDeployments(
    given,
    terminal,
    (service) => changeRouting(service, given.deployment, wanted, { allowMissingPollers }),
    wanted.kind === 'end-ramp' ? undefined : wanted.buildId,
  );
  if (!after.isPropagated)
    terminal.err(
      'The server has not confirmed yet that every task queue follows; heliograph deploy status shows it.\n',
    );
  if (given.json) terminal.out(`${JSON.stringify({ isChanged, ...toJson(after) })}\n`);
  else
    terminal.out(
      isChanged
        ? `${describeRouting(after)} (before: ${describeRouting(before)})\n`
        : `Nothing to change: ${describeRouting(after)}\n`,
    );
}
