import { fileURLToPath } from 'node:url';

/**
 * The front as a program for Node: `DIRECTORY PORT`, the password in HELIOGRAPH_FRONT_PASSWORD. It runs in a process of
 * its own, because the engine takes one directory per process and does not give it back.
 */
export const FRONT_PROGRAM = fileURLToPath(new URL('../bin/clickhouse-front.ts', import.meta.url));
