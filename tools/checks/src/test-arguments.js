/**
 * @typedef {object} TestArguments
 * @property {readonly string[]} selection how Nx chooses projects: all of them, or those that a change touches
 * @property {boolean} affected
 */

export const USAGE = 'usage: npm test [-- --affected [--base=COMMIT] [--head=COMMIT]]';

/**
 * Reads the arguments of `npm test`; a text says what is wrong with them.
 * @param {readonly string[]} argv
 * @returns {TestArguments | string}
 */
export function parseTestArguments(argv) {
  let affected = false;
  /** @type {string[]} */
  const range = [];
  for (const argument of argv) {
    if (argument === '--affected') affected = true;
    else if (/^--(?:base|head)=[\w./~^-]+$/.test(argument)) range.push(argument);
    else return `unknown argument ${argument}`;
  }
  if (!affected && range.length > 0) return '--base and --head need --affected';
  return { affected, selection: affected ? ['affected', ...range] : ['run-many'] };
}
