import { ConfigError, loadConfig, unknownVariables, type ConfigProblem, type Env } from '@heliograph/service';
import * as v from 'valibot';
import type { AppOptions, CodecSettings } from './app-options.ts';
import type { DatabaseOptions } from './databases.ts';
import { KEY_VARIABLES } from './payloads/open-key-ring.ts';
import {
  apiVariables,
  codecVariables,
  databaseVariables,
  processVariables,
  sharedVariables,
  temporalVariables,
  workerVariables,
  type ConfigOf,
  type Variables,
} from './variables.ts';

/** Which of the shared variables a role reads beyond those of every app. */
export interface RoleVariables {
  readonly temporal: boolean;
  readonly worker: boolean;
  /** Whether spans go to ClickHouse, which an app without that database then needs as well; default false. */
  readonly traces?: boolean;
  /** Whether large payloads are stored outside, for which an app without PostgreSQL then needs it; default false. */
  readonly claims?: boolean;
}

/** The options that decide which variables an app reads. */
export type ConfigurableOptions<TVariables extends Variables> = Pick<
  AppOptions<TVariables, DatabaseOptions>,
  'name' | 'variables' | 'otherVariables' | 'databases' | 'codec'
>;

/** Names every variable that an app reads. */
export function variablesOf(options: ConfigurableOptions<Variables>, role: RoleVariables): Variables {
  return {
    ...processVariables,
    ...(options.databases?.postgres === undefined && role.claims !== true ? {} : databaseVariables.postgres),
    ...(options.databases?.clickhouse === undefined && role.traces !== true
      ? {}
      : databaseVariables.clickhouse),
    ...(role.temporal ? temporalVariables : {}),
    ...(options.codec === undefined ? {} : codecVariables),
    ...(role.worker ? workerVariables : apiVariables),
    ...options.variables,
  };
}

/**
 * Checks every variable that the app reads and returns the values of its own.
 *
 * @throws {ConfigError} with all that is missing or wrong, the shared ones included.
 * @throws {TypeError} when the app declares a shared variable again.
 */
export function loadAppConfig<TVariables extends Variables>(
  options: ConfigurableOptions<TVariables>,
  role: RoleVariables,
  env: Env,
): ConfigOf<TVariables> {
  const twice = Object.keys(options.variables ?? {}).filter((name) => Object.hasOwn(sharedVariables, name));
  if (twice.length > 0) {
    throw new TypeError(`${options.name} declares shared variables again: ${twice.join(', ')}`);
  }
  const traces = v.safeParse(tracesVariable, env[TRACES_IN_CLICKHOUSE]);
  const claims = options.codec !== undefined && (env['HELIOGRAPH_CODEC_CLAIMS'] ?? '') !== '';
  const read = variablesOf(options, { ...role, claims, traces: traces.success && traces.output });
  const problems = [...problemsOf(() => loadConfig(v.object(read), env)), ...missingKeys(options.codec, env)];
  if (problems.length > 0) throw new ConfigError(problems);
  // Without variables of its own there is nothing to read.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const own = (options.variables ?? {}) as TVariables;
  return loadConfig(v.object(own), env);
}

const TRACES_IN_CLICKHOUSE = 'HELIOGRAPH_TRACES_IN_CLICKHOUSE';
const tracesVariable = processVariables[TRACES_IN_CLICKHOUSE];

function problemsOf(load: () => unknown): readonly ConfigProblem[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/**
 * A process without keys does not start unless encryption is switched off by name: a forgotten variable would otherwise
 * store payloads in clear, for as long as histories are retained.
 */
function missingKeys(codec: CodecSettings | undefined, env: Env): readonly ConfigProblem[] {
  const isEncrypting = codec?.domain !== undefined;
  const needsNone = codec === undefined || (isEncrypting && env['HELIOGRAPH_CODEC_MODE'] === 'off');
  if (needsNone || KEY_VARIABLES.some((name) => (env[name] ?? '') !== '')) return [];
  const off = isEncrypting ? '; or HELIOGRAPH_CODEC_MODE=off to store payloads in clear' : '';
  return [{ variable: '', detail: `no keys for payloads: set one of ${KEY_VARIABLES.join(', ')}${off}` }];
}

/** Finds variables in the environment that no app reads: usually misspelt names. */
export function unknownVariablesOf(options: ConfigurableOptions<Variables>, env: Env): readonly string[] {
  const others = new Set(options.otherVariables);
  const known = { entries: { ...sharedVariables, ...options.variables } };
  return unknownVariables([known], env).filter((name) => !others.has(name));
}
