export { installState } from './install.js';
export { NODE_PACKAGES, pinnedVersion } from './pinned-node.js';
