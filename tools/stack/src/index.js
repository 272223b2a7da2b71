export { buildApps } from './start/build-apps.js';
export { StackError } from './errors.js';
export { ensureInstalled } from './install.js';
export { isPortFree } from './ports.js';
export { readRunState } from './state-directory.js';
export { defaultParts, startStack } from './start-stack.js';

/**
 * @typedef {import('./app-definition.js').AppDefinition} AppDefinition
 * @typedef {import('./app-definition.js').AppContext} AppContext
 * @typedef {import('./app-definition.js').ProcessSpec} ProcessSpec
 */
