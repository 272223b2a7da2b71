/** Why a deployment was not read or changed. */
export type DeploymentErrorCode =
  /** No deployment of this name: no worker of it has ever polled. */
  | 'DEPLOYMENT_UNKNOWN'
  | 'DEPLOYMENT_BUILD_UNKNOWN'
  /** No worker of the build polls, or not on every task queue that needs one. */
  | 'DEPLOYMENT_NO_POLLERS'
  /** Another build ramps, or is current, so the change would not do what it says. */
  | 'DEPLOYMENT_ROUTING_CONFLICT'
  /** Somebody changed the deployment between reading and writing. */
  | 'DEPLOYMENT_CHANGED_MEANWHILE'
  /** The deployment belongs to another manager, such as a controller. */
  | 'DEPLOYMENT_MANAGED'
  | 'DEPLOYMENT_LIMIT'
  /** A change was sent and not answered: it may have happened. */
  | 'DEPLOYMENT_IN_DOUBT'
  | 'DEPLOYMENT_NO_ANSWER'
  | 'DEPLOYMENT_REFUSED';

/** Thrown by everything that reads or changes deployments; the message is one line that says what to do. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError';
  readonly code: DeploymentErrorCode;
  /** Whether the same call may pass later without anybody changing anything. */
  readonly retryable: boolean;

  constructor(
    code: DeploymentErrorCode,
    message: string,
    options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}
