/**
 * A place in a tracked file that names a folder of somebody's machine.
 * @typedef {{ readonly line: number, readonly text: string }} MachinePath
 *
 * @typedef {object} AllowedPath
 * @property {RegExp} file which files
 * @property {RegExp} text the whole path as found
 * @property {string} why
 */

/** Homes and work folders; `~/work/`, `docs/home/` and `example.org/home/` are none. */
const MACHINE_PATH =
  /(?<![\w.~)}\]*-])(?:\/(?:home|Users)\/[\w.-]+|\/(?:root|work)(?=\/)|[A-Z]:\\Users\\[\w.-]+)[^\s'"`),;:]*/g;

/**
 * Paths that are meant. Keep this short: a path that is the same on every machine belongs in a container file or a
 * document about one.
 * @type {readonly AllowedPath[]}
 */
export const ALLOWED_PATHS = [
  {
    file: /(?:^|\/)Dockerfile$/,
    text: /^\/home\/node(?:\/|$)/,
    why: 'the home of the user in the official Node image',
  },
];

/**
 * Finds paths that exist on one machine only.
 * @param {string} file relative to the repository
 * @param {string} text
 * @param {readonly AllowedPath[]} [allowed]
 * @returns {readonly MachinePath[]}
 */
export function findMachinePaths(file, text, allowed = ALLOWED_PATHS) {
  return text.split('\n').flatMap((content, index) =>
    [...content.matchAll(MACHINE_PATH)]
      .map(([found]) => found)
      .filter((found) => !allowed.some((path) => path.file.test(file) && path.text.test(found)))
      .map((found) => ({ line: index + 1, text: found })),
  );
}
