export { describeProcesses } from './apps/describe-processes.js';
export { loadApp } from './apps/find-apps.js';
export { buildApps } from './start/build-apps.js';
export { StackError } from './errors.js';
export { isPortFree } from './ports.js';
export { readRunState } from './state-directory.js';
export { cacheDirectory } from './parts/temporal-resolver.js';
export { defaultParts, startStack } from './start-stack.js';
