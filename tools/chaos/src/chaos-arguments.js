/** @typedef {{ name: 'dispatch', alerts: number, seed: number }} ChaosArguments */

export const USAGE = 'usage: npm run chaos -- dispatch [--alerts=N] [--seed=N]';

/**
 * Reads the arguments of `npm run chaos`; a text says what is wrong with them.
 * @param {readonly string[]} argv
 * @returns {ChaosArguments | string}
 */
export function parseChaosArguments([name, ...flags]) {
  if (name !== 'dispatch') return name === undefined ? 'no scenario' : `no scenario ${JSON.stringify(name)}`;
  /** @type {ChaosArguments} */
  const options = { name, alerts: 300, seed: 1 };
  for (const flag of flags) {
    const [, key, value] = /^--(alerts|seed)=(\d{1,6})$/.exec(flag) ?? [];
    if (key === 'alerts') options.alerts = Number(value);
    else if (key === 'seed') options.seed = Number(value);
    else return `unknown argument ${flag}`;
  }
  return options.alerts > 0 ? options : 'there must be at least one alert';
}
