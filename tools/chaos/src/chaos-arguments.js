/** @typedef {{ name: 'dispatch', alerts: number, kills: number, seed: number }} ChaosArguments */

export const USAGE = 'usage: npm run chaos -- dispatch [--quick] [--alerts=N] [--kills=N] [--seed=N]';

const FULL = { alerts: 300, kills: 50 };
const QUICK = { alerts: 60, kills: 12 };

/**
 * Reads the arguments of `npm run chaos`; a text says what is wrong with them. What is given by number goes before
 * what `--quick` stands for, wherever it comes.
 * @param {readonly string[]} argv
 * @returns {ChaosArguments | string}
 */
export function parseChaosArguments([name, ...flags]) {
  if (name !== 'dispatch') return name === undefined ? 'no scenario' : `no scenario ${JSON.stringify(name)}`;
  /** @type {ChaosArguments} */
  const options = { name, seed: 1, ...(flags.includes('--quick') ? QUICK : FULL) };
  for (const flag of flags) {
    if (flag === '--quick') continue;
    const [, key, value] = /^--(alerts|kills|seed)=(\d{1,6})$/.exec(flag) ?? [];
    if (key === 'alerts' || key === 'kills' || key === 'seed') options[key] = Number(value);
    else return `unknown argument ${flag}`;
  }
  return options.alerts > 0 ? options : 'there must be at least one alert';
}
