import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { readJsonFile, writeFileAtomically } from './atomic-file.js';
import { StackError } from './errors.js';

// Below every system's ephemeral range: there, an outgoing connection could take the port of a server that is
// just being restarted.
const FIRST_PORT = 10_240;
const LAST_PORT = 32_000;

/**
 * Says whether a server can listen on this loopback port now.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export function isPortFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * Names the environment variable that configures a port: `HELIOGRAPH_<NAME>_PORT`.
 * @param {string} name
 */
export function portVariable(name) {
  return `HELIOGRAPH_${name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}_PORT`;
}

/**
 * Reads a configured port; `undefined` when the variable is not set.
 * @param {string} name
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @returns {number | undefined}
 * @throws {StackError} STACK_PORT_INVALID
 */
export function configuredPort(name, environment) {
  const variable = portVariable(name);
  const text = environment[variable];
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new StackError('STACK_PORT_INVALID', `${variable} must be a port between 1 and 65535`);
  }
  return port;
}

/**
 * Chooses ports and remembers them in a file, so that a later start on the same state finds the same ones.
 *
 * A configured port is taken as it is or refused; every other port is the remembered one, else the preferred one,
 * else a random free one. The same name gives the same port, and no two names do.
 */
export class PortBook {
  #path;
  #isFree;
  #random;
  /** @type {Record<string, number>} */
  #remembered;
  /** @type {Set<number>} */
  #given = new Set();
  /** @type {Map<string, number>} */
  #chosen = new Map();

  /**
   * @param {string} directory where `ports.json` is kept
   * @param {{ isFree?: (port: number) => Promise<boolean>, random?: () => number }} [options]
   */
  constructor(directory, { isFree = isPortFree, random = () => randomInt(FIRST_PORT, LAST_PORT) } = {}) {
    this.#path = join(directory, 'ports.json');
    this.#isFree = isFree;
    this.#random = random;
    this.#remembered = readPorts(this.#path);
  }

  /**
   * Gives the port of this name.
   * @param {string} name
   * @param {{ configured?: number | undefined, preferred?: number | undefined }} [wish]
   * @returns {Promise<number>}
   * @throws {StackError} STACK_PORT_TAKEN when the configured port is in use
   */
  async port(name, { configured, preferred } = {}) {
    const chosen = this.#chosen.get(name);
    if (chosen !== undefined) return chosen;
    if (configured !== undefined) {
      if (this.#given.has(configured) || !(await this.#isFree(configured))) {
        throw new StackError(
          'STACK_PORT_TAKEN',
          `port ${configured} for ${name} is taken: end what listens there, or set ${portVariable(name)} to another port`,
        );
      }
      this.#given.add(configured);
      this.#chosen.set(name, configured);
      return configured;
    }
    for (const candidate of [this.#remembered[name], preferred]) {
      if (candidate !== undefined && (await this.#take(candidate))) return this.#give(name, candidate);
    }
    for (let attempt = 0; attempt < 200; attempt++) {
      const candidate = this.#random();
      if (await this.#take(candidate)) return this.#give(name, candidate);
    }
    throw new StackError('STACK_PORT_TAKEN', `no free port found for ${name}: set ${portVariable(name)}`);
  }

  /**
   * Forgets ports that turned out to be unusable, so that the next call chooses others.
   * @param {(name: string) => boolean} matches
   */
  forget(matches) {
    for (const name of Object.keys(this.#remembered)) {
      if (!matches(name)) continue;
      delete this.#remembered[name];
      this.#chosen.delete(name);
    }
  }

  /** @param {number} port */
  async #take(port) {
    if (this.#given.has(port)) return false;
    this.#given.add(port);
    if (await this.#isFree(port)) return true;
    this.#given.delete(port);
    return false;
  }

  /**
   * @param {string} name
   * @param {number} port
   */
  #give(name, port) {
    this.#given.add(port);
    this.#chosen.set(name, port);
    if (this.#remembered[name] !== port) {
      this.#remembered[name] = port;
      writeFileAtomically(this.#path, `${JSON.stringify(this.#remembered, undefined, 2)}\n`);
    }
    return port;
  }
}

/**
 * @param {string} path
 * @returns {Record<string, number>}
 */
function readPorts(path) {
  const content = readJsonFile(path);
  if (typeof content !== 'object' || content === null) return {};
  /** @type {Record<string, number>} */
  const ports = {};
  for (const [name, port] of Object.entries(content)) if (Number.isInteger(port)) ports[name] = port;
  return ports;
}
