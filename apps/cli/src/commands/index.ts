import { activityCommand } from './activity.ts';
import { auditCommand } from './audit.ts';
import { authCommand } from './auth.ts';
import { codecCommand } from './codec.ts';
import type { Command } from './command.ts';
import { deployCommand } from './deploy.ts';
import { explainCommand } from './explain.ts';
import { replayCommand } from './replay.ts';
import { resolveDebtsCommand } from './resolve-debts.ts';
import { timeoutsCommand } from './timeouts.ts';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  explainCommand,
  resolveDebtsCommand,
  auditCommand,
  codecCommand,
  deployCommand,
  authCommand,
  replayCommand,
  activityCommand,
  timeoutsCommand,
];
