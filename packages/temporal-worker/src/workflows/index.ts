export { proxyClass } from './proxy-class.ts';
export { DEADLINE_EXCEEDED, runWithDeadline } from './run-with-deadline.ts';
export { interceptors } from './tracing.ts';
export { handleUpdate, UPDATE_VALIDATOR_ASYNC } from './handle-update.ts';
export { interceptors as versioningInterceptors } from './versioning.ts';
