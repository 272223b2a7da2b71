import { isGrpcServiceError } from '@temporalio/client';
import type { ServiceConnection } from '../client/connect.ts';
import { DeploymentError } from './errors.ts';

/** Where deployments are, and who changes them. */
export interface DeploymentService {
  readonly connection: ServiceConnection;
  readonly namespace: string;
  /** Whom the server records as the author of changes. Stays the same for a repeated change. */
  readonly identity: string;
  /** Deadline of each call, in milliseconds; default 15,000: the server itself waits for its workflows. */
  readonly callTimeoutMs?: number;
}

/** gRPC status codes. */
const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;

/**
 * Makes one call about a deployment within the deadline. Only errors that say something about deployments are translated.
 *
 * @throws {DeploymentError}
 */
export async function callService<T>(
  { connection, callTimeoutMs = 15_000 }: DeploymentService,
  about: { readonly deployment: string; readonly buildId?: string; readonly isChange?: boolean },
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await connection.withDeadline(Date.now() + callTimeoutMs, call);
  } catch (error) {
    throw isGrpcServiceError(error) ? translate(error.code, error.details, about, error) : error;
  }
}

function translate(
  status: number,
  details: string,
  { deployment, buildId, isChange = false }: { deployment: string; buildId?: string; isChange?: boolean },
  cause: unknown,
): unknown {
  const fail = (code: DeploymentError['code'], message: string, retryable = false): DeploymentError =>
    new DeploymentError(code, message, { retryable, cause });
  if (/no Worker Deployment found/i.test(details))
    return fail(
      'DEPLOYMENT_UNKNOWN',
      `there is no deployment ${deployment} in this namespace: no versioned worker of it has polled yet`,
    );
  if (/not found in (?:worker )?deployment|deployment version not found/i.test(details))
    return fail(
      'DEPLOYMENT_BUILD_UNKNOWN',
      `deployment ${deployment} has no build ${buildId ?? ''}: none of its workers has polled yet`,
    );
  if (/conflict token mismatch/i.test(details))
    return fail(
      'DEPLOYMENT_CHANGED_MEANWHILE',
      `deployment ${deployment} was changed meanwhile, so nothing was changed; look at it again`,
    );
  if (/ManagerIdentity/.test(details))
    return fail(
      'DEPLOYMENT_MANAGED',
      `deployment ${deployment} is managed by somebody else, such as a controller: ${details}`,
    );
  if (/missing active task queues/i.test(details))
    return fail(
      'DEPLOYMENT_NO_POLLERS',
      `build ${buildId ?? ''} of ${deployment} lacks task queues of the current build on which there is work`,
    );
  if (/maximum number of|too many versions|limit/i.test(details) && status !== RESOURCE_EXHAUSTED)
    return fail('DEPLOYMENT_LIMIT', `deployment ${deployment} is at a limit of the server: ${details}`);
  if (status === DEADLINE_EXCEEDED || status === CANCELLED || status === UNAVAILABLE)
    return isChange
      ? fail(
          'DEPLOYMENT_IN_DOUBT',
          `the Temporal Service did not answer whether it changed deployment ${deployment}; look at it, or repeat the change`,
          true,
        )
      : fail('DEPLOYMENT_NO_ANSWER', `the Temporal Service did not answer about ${deployment}`, true);
  if (status === RESOURCE_EXHAUSTED)
    return fail('DEPLOYMENT_NO_ANSWER', `the Temporal Service limits calls about ${deployment}`, true);
  // A namespace that does not exist, and the like: the caller has words for it.
  if (status === NOT_FOUND) return cause;
  return fail('DEPLOYMENT_REFUSED', `the Temporal Service refused it for ${deployment}: ${details}`);
}
