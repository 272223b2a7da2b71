import { hostname, userInfo } from 'node:os';
import {
  DeploymentError,
  type DeploymentErrorCode,
  type DeploymentService,
} from '@heliograph/temporal-worker/deployments';
import { SERVICE_OPTIONS, withTemporal } from './connect-temporal.ts';
import { CliError, type CliErrorCode } from './errors.ts';
import type { Terminal } from './terminal.ts';

const DEFAULT_NAMESPACE = 'heliograph';

/** Options of every command about a deployment. */
export const DEPLOYMENT_OPTIONS = {
  json: SERVICE_OPTIONS.json,
  'temporal-address': SERVICE_OPTIONS['temporal-address'],
  namespace: {
    type: 'string',
    requiresArg: true,
    describe: `Namespace [HELIOGRAPH_TEMPORAL_NAMESPACE, else ${DEFAULT_NAMESPACE}]`,
  },
  deployment: {
    alias: 'd',
    type: 'string',
    requiresArg: true,
    demandOption: true,
    describe: 'Name of the deployment, such as dispatch-center',
  },
} as const;

/** The positional argument that names a build. */
export const BUILD = { type: 'string', demandOption: true, describe: 'Build id' } as const;

/** The option of commands that wait. */
export const TIMEOUT_OPTION = {
  timeout: { type: 'number', requiresArg: true, describe: 'How long to wait, in seconds; default: for ever' },
} as const;

/** Their values. */
export interface DeploymentArguments {
  readonly json: boolean;
  readonly temporalAddress: string | undefined;
  readonly namespace: string | undefined;
  readonly deployment: string;
}

/** A name or a build id as the server and its queries take it. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_/+-]{0,127}$/;
const BUILD_ID = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/;

/**
 * Runs something with the deployments of a namespace.
 *
 * @throws {CliError} CLI_USAGE for names that cannot be, CLI_STILL_NEEDED for what is refused, CLI_TEMPORAL_FAILED
 */
export async function withDeployments<T>(
  given: DeploymentArguments,
  terminal: Terminal,
  run: (service: DeploymentService) => Promise<T>,
  buildId?: string,
): Promise<T> {
  if (!NAME.test(given.deployment))
    throw new CliError('CLI_USAGE', '--deployment: expected a name of letters, digits, _, /, + and -');
  if (buildId !== undefined) assertBuildId(buildId);
  const variable = terminal.env['HELIOGRAPH_TEMPORAL_NAMESPACE'] ?? '';
  const namespace = given.namespace ?? (variable === '' ? DEFAULT_NAMESPACE : variable);
  return withTemporal(given, terminal, async (connection) => {
    try {
      return await run({ connection, namespace, identity: identityOf() });
    } catch (error) {
      throw error instanceof DeploymentError
        ? new CliError(CODES[error.code], error.message, { retryable: error.retryable, cause: error })
        : error;
    }
  });
}

/** @throws {CliError} CLI_USAGE */
export function assertBuildId(buildId: string): void {
  if (!BUILD_ID.test(buildId))
    throw new CliError(
      'CLI_USAGE',
      'expected a build id of letters, digits, ., _, + and -, at most 128 long',
    );
}

/** Until when to wait, in milliseconds since the epoch. `@throws {CliError}` CLI_USAGE */
export function deadlineOf(timeout: number | undefined): number {
  if (timeout === undefined) return Number.POSITIVE_INFINITY;
  if (!(timeout > 0)) throw new CliError('CLI_USAGE', '--timeout: expected a number of seconds, more than 0');
  return Date.now() + timeout * 1000;
}

/** The same for everything that one person does on one machine: the server takes a repeated change for what it is by it. */
function identityOf(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A container may run as somebody without a name.
    return `heliograph@${hostname()}`;
  }
}

/** Refused, because work would be lost or stuck, or failed. */
const CODES: Readonly<Record<DeploymentErrorCode, CliErrorCode>> = {
  DEPLOYMENT_UNKNOWN: 'CLI_DEPLOYMENT_REFUSED',
  DEPLOYMENT_BUILD_UNKNOWN: 'CLI_DEPLOYMENT_REFUSED',
  DEPLOYMENT_NO_POLLERS: 'CLI_DEPLOYMENT_REFUSED',
  DEPLOYMENT_ROUTING_CONFLICT: 'CLI_DEPLOYMENT_REFUSED',
  DEPLOYMENT_CHANGED_MEANWHILE: 'CLI_DEPLOYMENT_REFUSED',
  DEPLOYMENT_MANAGED: 'CLI_DEPLOYMENT_REFUSED',
  DEPLOYMENT_LIMIT: 'CLI_TEMPORAL_FAILED',
  DEPLOYMENT_IN_DOUBT: 'CLI_TEMPORAL_FAILED',
  DEPLOYMENT_NO_ANSWER: 'CLI_TEMPORAL_FAILED',
  DEPLOYMENT_REFUSED: 'CLI_TEMPORAL_FAILED',
};
