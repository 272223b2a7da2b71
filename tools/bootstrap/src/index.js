/** @typedef {import('./process-identity.js').ProcessIdentity} ProcessIdentity */

export { tryLock, withFileLock } from './file-lock.js';
export { installState } from './install.js';
export {
  asIdentity,
  commandLineOf,
  identify,
  isRunning,
  signalProcess,
  startTimeOf,
} from './process-identity.js';
export { watchParent } from './watch-parent.js';
export { NODE_PACKAGES, pinnedVersion } from './pinned-node.js';
