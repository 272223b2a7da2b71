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
const NOT_FOUND = 5;
const RESOURCE_EXHAUSTED = 8;
/** The call broke, here, on its way or in the server, so whatever its text says, what it asked for may have been done. */
const BROKEN: ReadonlySet<number> = new Set([
  1, // CANCELLED
  2, // UNKNOWN
  4, // DEADLINE_EXCEEDED
  10, // ABORTED
  13, // INTERNAL
  14, // UNAVAILABLE
  15, // DATA_LOSS
]);
/** Answers about the deployment itself, with a text that says which: INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION. */
const ANSWERS: ReadonlySet<number> = new Set([3, NOT_FOUND, 6, 9]);

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
    throw isGrpcServiceError(error)
      ? translate(error.code, error.details.replaceAll(/\s+/g, ' '), about, error)
      : error;
  }
}

function translate(
  status: number,
  details: string,
  about: { readonly deployment: string; readonly buildId?: string; readonly isChange?: boolean },
  cause: unknown,
): unknown {
  const { deployment, isChange = false } = about;
  const fail: Fail = (code, message, retryable = false) =>
    new DeploymentError(code, message, { retryable, cause });
  const why = details === '' ? '' : `: ${details}`;
  if (BROKEN.has(status))
    return isChange
      ? fail(
          'DEPLOYMENT_IN_DOUBT',
          `the Temporal Service did not answer whether it changed deployment ${deployment}; look at it, or repeat the change${why}`,
          true,
        )
      : fail('DEPLOYMENT_NO_ANSWER', `the Temporal Service did not answer about ${deployment}${why}`, true);
  if (status === RESOURCE_EXHAUSTED)
    return fail('DEPLOYMENT_NO_ANSWER', `the Temporal Service limits calls about ${deployment}`, true);
  const answer = ANSWERS.has(status) ? readAnswer(details, about, fail) : null;
  if (answer !== null) return answer;
  // A namespace that does not exist, and the like: the caller has words for it.
  if (status === NOT_FOUND) return cause;
  return fail('DEPLOYMENT_REFUSED', `the Temporal Service refused it for ${deployment}${why}`);
}

type Fail = (code: DeploymentError['code'], message: string, retryable?: boolean) => DeploymentError;

/** Null for a text that says nothing of deployments. */
function readAnswer(
  details: string,
  { deployment, buildId }: { readonly deployment: string; readonly buildId?: string },
  fail: Fail,
): DeploymentError | null {
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
  if (/maximum number of|too many versions|limit/i.test(details))
    return fail('DEPLOYMENT_LIMIT', `deployment ${deployment} is at a limit of the server: ${details}`);
  return null;
}
