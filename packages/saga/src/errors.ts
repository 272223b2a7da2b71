/** A saga that is defined, used or resumed in a way that cannot work; `code` of {@link SagaError}. */
export type SagaErrorCode =
  | 'SAGA_DEFINITION'
  | 'SAGA_ENDED'
  | 'SAGA_PIVOT'
  | 'SAGA_STATE'
  | 'SAGA_STEP_REPEATED'
  | 'SAGA_STEP_UNKNOWN'
  | 'SAGA_STEPS_RUNNING';

/**
 * Thrown for what only a change of code or input can mend. In a workflow it fails the workflow task, not the workflow:
 * nothing is compensated, and the run goes on once a worker has the mended code.
 */
export class SagaError extends Error {
  readonly code: SagaErrorCode;

  constructor(code: SagaErrorCode, message: string) {
    super(message);
    this.name = 'SagaError';
    this.code = code;
  }
}
