import type { Argv } from 'yargs';
import type { Terminal } from '../terminal.ts';
import type { Command } from './command.ts';
import { registerPatches } from './deploy-patches.ts';
import { registerSetCurrent, registerRamp } from './deploy-routing.ts';
import {
  registerCanStop,
  registerRegister,
  registerStatus,
  registerWait,
  registerWatch,
} from './deploy-builds.ts';

/** `heliograph deploy`: worker deployments, build by build. */
export const deployCommand: Command = {
  register: (parser, terminal) =>
    parser.command('deploy', 'Roll out builds of versioned workers', (group) =>
      SUBCOMMANDS.reduce((all, register) => register(all, terminal), group).demandCommand(
        1,
        'deploy: expected what to do: status, register, wait, set-current, ramp, watch, can-stop or patches',
      ),
    ),
};

const SUBCOMMANDS: readonly ((group: Argv, terminal: Terminal) => Argv)[] = [
  registerStatus,
  registerRegister,
  registerWait,
  registerSetCurrent,
  registerRamp,
  registerWatch,
  registerCanStop,
  registerPatches,
];
