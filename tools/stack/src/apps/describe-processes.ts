import { StackError } from '../errors.ts';
import type { Environment } from '../server-spec.ts';
import type {
  AppGround,
  AppPort,
  AppProcessSpec,
  LaunchOptions,
  ProcessLaunch,
  RegisteredApp,
} from './app-definition.ts';
import { stackVariables } from './stack-variables.ts';

/** The variable every service reads its HTTP port from. */
const HTTP_PORT = 'HELIOGRAPH_HTTP_PORT';

/**
 * Describes an app's processes, for `Stack.run` or to be spawned by the caller; starts nothing.
 *
 * They come in the order of `processes`; without it each role runs once. The same name always gets the same ports.
 * @throws {StackError} STACK_APP_INVALID for a role the app does not have, or two processes of one name
 */
export async function describeProcesses(
  app: RegisteredApp,
  ground: AppGround,
  options: LaunchOptions = {},
): Promise<readonly AppProcessSpec[]> {
  const { definition } = app;
  const launches = options.processes ?? definition.processes.map(({ role }) => ({ role }));
  const specs: AppProcessSpec[] = [];
  const inherited: Record<string, string | undefined> = { ...process.env };
  for (const name of stackVariables([app, ...(options.others ?? [])].map((each) => each.definition)))
    delete inherited[name];
  const shared = { inherited, given: options.env ?? {} };
  for (const launch of launches) specs.push(await describe(app, ground, shared, launch));
  const twice = specs.find(({ name }, index) => specs.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined)
    throw new StackError('STACK_APP_INVALID', `two processes of ${definition.name} are named ${twice.name}`);
  return specs;
}

async function describe(
  { definition, folder }: RegisteredApp,
  ground: AppGround,
  shared: { readonly inherited: Environment; readonly given: Environment },
  launch: ProcessLaunch,
): Promise<AppProcessSpec> {
  const found = definition.processes.find(({ role }) => role === launch.role);
  if (found === undefined) {
    const roles = definition.processes.map(({ role }) => role).join(', ');
    throw new StackError(
      'STACK_APP_INVALID',
      `${definition.name} has no role ${launch.role}; it has ${roles || 'none'}`,
    );
  }
  const { role, args, command = process.execPath, httpPort, readyPath = '/readyz', stopGraceMs } = found;
  const name = launch.name ?? `${definition.name}-${role}`;
  const wanted = { ...(httpPort === undefined ? {} : { [HTTP_PORT]: httpPort }), ...found.ports };
  const ports: Record<string, string> = {};
  for (const [variable, wish] of Object.entries(wanted))
    ports[variable] = String(await choosePort(ground, launch.name, variable, wish));
  const url = httpPort === undefined ? undefined : `http://127.0.0.1:${ports[HTTP_PORT]}`;
  const [first = command, ...more] = [...(launch.wrap ?? []), command, ...args];
  return {
    role,
    name,
    command: first,
    args: more,
    cwd: folder,
    env: {
      ...shared.inherited,
      ...ground.env,
      ...found.env?.(ground),
      ...shared.given,
      ...launch.env,
      ...ports,
    },
    what: launch.name ?? found.what ?? name,
    ...(url === undefined ? {} : { url, port: Number(ports[HTTP_PORT]) }),
    ...(stopGraceMs === undefined ? {} : { stopGraceMs }),
    isReady: async (signal) =>
      url === undefined || (await fetch(`${url}${readyPath}`, { signal })).status === 200,
  };
}

/** A process with a name of its own has ports of its own; otherwise the app's names and preferences count. */
function choosePort(
  ground: AppGround,
  ownName: string | undefined,
  variable: string,
  { name, preferred }: AppPort,
): Promise<number> {
  if (ownName === undefined) return ground.port(name, { preferred });
  return ground.port(variable === HTTP_PORT ? ownName : `${ownName}-${name}`);
}
