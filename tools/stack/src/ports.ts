import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { readJsonFile, writeFileAtomically } from './atomic-file.ts';
import { StackError } from './errors.ts';

export interface PortWish {
  /** Used or refused. */
  readonly configured?: number | undefined;
  /** Used when it is free and none is remembered. */
  readonly preferred?: number | undefined;
}

// Below every system's ephemeral range: there, an outgoing connection could take the port of a server that is
// just being restarted.
const FIRST_PORT = 10_240;
const LAST_PORT = 32_000;

/** Says whether a server can listen on this loopback port now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Names the environment variable that configures a port: `HELIOGRAPH_<NAME>_PORT`. */
export function portVariable(name: string): string {
  return `HELIOGRAPH_${name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}_PORT`;
}

/**
 * Reads a configured port; `undefined` when the variable is not set.
 * @throws {StackError} STACK_PORT_INVALID
 */
export function configuredPort(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): number | undefined {
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
  #remembered: Record<string, number>;
  #given: Set<number> = new Set();
  #chosen: Map<string, number> = new Map();

  /** `ports.json` is kept in the directory. */
  constructor(
    directory: string,
    {
      isFree = isPortFree,
      random = () => randomInt(FIRST_PORT, LAST_PORT),
    }: { isFree?: (port: number) => Promise<boolean>; random?: () => number } = {},
  ) {
    this.#path = join(directory, 'ports.json');
    this.#isFree = isFree;
    this.#random = random;
    this.#remembered = readPorts(this.#path);
  }

  /**
   * Gives the port of this name.
   * @throws {StackError} STACK_PORT_TAKEN when the configured port is in use
   */
  async port(
    name: string,
    { configured, preferred }: { configured?: number | undefined; preferred?: number | undefined } = {},
  ): Promise<number> {
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

  /** Forgets ports that turned out to be unusable, so that the next call chooses others. */
  forget(matches: (name: string) => boolean): void {
    for (const name of Object.keys(this.#remembered)) {
      if (!matches(name)) continue;
      delete this.#remembered[name];
      this.#chosen.delete(name);
    }
  }

  async #take(port: number): Promise<boolean> {
    if (this.#given.has(port)) return false;
    this.#given.add(port);
    if (await this.#isFree(port)) return true;
    this.#given.delete(port);
    return false;
  }

  #give(name: string, port: number): number {
    this.#given.add(port);
    this.#chosen.set(name, port);
    if (this.#remembered[name] !== port) {
      this.#remembered[name] = port;
      writeFileAtomically(this.#path, `${JSON.stringify(this.#remembered, undefined, 2)}\n`);
    }
    return port;
  }
}

function readPorts(path: string): Record<string, number> {
  const content = readJsonFile(path);
  if (typeof content !== 'object' || content === null) return {};
  const ports: Record<string, number> = {};
  for (const [name, port] of Object.entries(content)) if (Number.isInteger(port)) ports[name] = port;
  return ports;
}
