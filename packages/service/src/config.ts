import * as v from 'valibot';
import { fieldInfo } from './config-fields.ts';
import { ConfigError, type ConfigProblem } from './errors.ts';

/** Environment variables by name, as in `process.env`. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A valibot object whose keys are names of environment variables; rules over several may follow in a pipe. */
export type ConfigSchema = v.GenericSchema & {
  readonly entries: Readonly<Record<string, v.GenericSchema>>;
};

/**
 * Reads the environment once, at start, into a typed object with the schema's keys.
 * A variable that is set to the empty string counts as not set.
 *
 * @throws ConfigError with every problem at once; values of secrets and URLs are never in it.
 */
export function loadConfig<const TSchema extends ConfigSchema>(
  schema: TSchema,
  env: Env = process.env,
): v.InferOutput<TSchema> {
  const input: Record<string, string | undefined> = {};
  for (const name of Object.keys(schema.entries)) input[name] = env[name] === '' ? undefined : env[name];
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  throw new ConfigError(result.issues.map((issue) => toProblem(schema, issue)));
}

function toProblem(schema: ConfigSchema, issue: v.BaseIssue<unknown>): ConfigProblem {
  const key = issue.path?.[0]?.key;
  const variable = typeof key === 'string' ? key : '';
  const entry = schema.entries[variable];
  const ours = entry !== undefined && fieldInfo(entry) !== undefined;
  // A foreign schema's default message quotes what it received, which may be a secret.
  const detail =
    ours || !/ received /.test(issue.message)
      ? issue.message
      : `expected ${issue.expected ?? 'another value'}`;
  return { variable, detail };
}

/**
 * Returns, sorted, the variables that begin with `prefix` and that none of the schemas knows: usually a misspelt
 * name, worth a warning at start. What Kubernetes sets for a service whose name begins alike is left out.
 */
export function unknownVariables(
  schemas: readonly Pick<ConfigSchema, 'entries'>[],
  env: Env = process.env,
  prefix: string = 'HELIOGRAPH_',
): readonly string[] {
  const known = new Set(schemas.flatMap((schema) => Object.keys(schema.entries)));
  const names = Object.keys(env).filter((name) => name.startsWith(prefix));
  const services = names
    .filter((name) => name.endsWith(SERVICE_HOST))
    .map((name) => name.slice(0, -SERVICE_HOST.length));
  const isServiceLink = (name: string): boolean =>
    services.some((service) => name.startsWith(`${service}_SERVICE_`) || name.startsWith(`${service}_PORT`));
  return names.filter((name) => !known.has(name) && !isServiceLink(name)).toSorted();
}

/** The end of one of the variables that describe a service to every pod of its Kubernetes namespace. */
const SERVICE_HOST = '_SERVICE_HOST';
