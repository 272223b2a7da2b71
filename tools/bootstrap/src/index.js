export { installState } from './install.js';
export { watchParent } from './watch-parent.js';
export { NODE_PACKAGES, pinnedVersion } from './pinned-node.js';
