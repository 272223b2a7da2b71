import { portVariable } from '../ports.ts';
import type { AppDefinition } from './app-definition.ts';

/** What the stack reads itself, whatever apps there are. */
const OWN = [
  'HELIOGRAPH_DIRECTORY',
  'HELIOGRAPH_CACHE',
  'HELIOGRAPH_NO_DOWNLOAD',
  'TEMPORAL_CLI_PATH',
  ...['postgres', 'clickhouse', 'temporal'].map(portVariable),
];

/**
 * Names the variables that configure the stack and the ports of the apps on it. Apps do not read them, and would warn of
 * each as unknown.
 */
export function stackVariables(apps: readonly AppDefinition[]): readonly string[] {
  const ports = apps.flatMap(({ processes, demoPorts = [] }) => [
    ...processes.flatMap(({ httpPort, ports: more = {} }) =>
      [httpPort, ...Object.values(more)].flatMap((port) => (port === undefined ? [] : [port.name])),
    ),
    ...demoPorts,
  ]);
  return [...OWN, ...ports.map(portVariable)];
}
