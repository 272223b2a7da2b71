import { StackError } from '../errors.js';

/**
 * @typedef {import('@heliograph/stack').RegisteredApp} RegisteredApp
 * @typedef {import('@heliograph/stack').AppGround} AppGround
 * @typedef {import('@heliograph/stack').LaunchOptions} LaunchOptions
 * @typedef {import('@heliograph/stack').AppProcessSpec} AppProcessSpec
 */

/** The variable every service reads its HTTP port from. */
const HTTP_PORT = 'HELIOGRAPH_HTTP_PORT';

/**
 * Describes an app's processes, for `Stack.run` or to be spawned by the caller; starts nothing.
 *
 * Without `processes` each role runs once. The same name always gets the same ports.
 * @param {RegisteredApp} app
 * @param {AppGround} ground
 * @param {LaunchOptions} [options]
 * @returns {Promise<readonly AppProcessSpec[]>} in the order asked for
 * @throws {StackError} STACK_APP_INVALID for a role the app does not have, or two processes of one name
 */
export async function describeProcesses(app, ground, options = {}) {
  const { definition } = app;
  const launches = options.processes ?? definition.processes.map(({ role }) => ({ role }));
  /** @type {AppProcessSpec[]} */
  const specs = [];
  for (const launch of launches) specs.push(await describe(app, ground, options.env ?? {}, launch));
  const twice = specs.find(({ name }, index) => specs.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined)
    throw new StackError('STACK_APP_INVALID', `two processes of ${definition.name} are named ${twice.name}`);
  return specs;
}

/**
 * @param {RegisteredApp} app
 * @param {AppGround} ground
 * @param {import('@heliograph/stack').Environment} sharedEnv
 * @param {import('@heliograph/stack').ProcessLaunch} launch
 * @returns {Promise<AppProcessSpec>}
 */
async function describe({ definition, folder }, ground, sharedEnv, launch) {
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
  /** @type {Record<string, string>} */
  const ports = {};
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
    env: { ...process.env, ...ground.env, ...found.env?.(ground), ...sharedEnv, ...launch.env, ...ports },
    what: launch.name ?? found.what ?? name,
    ...(url === undefined ? {} : { url, port: Number(ports[HTTP_PORT]) }),
    ...(stopGraceMs === undefined ? {} : { stopGraceMs }),
    isReady: async (signal) =>
      url === undefined || (await fetch(`${url}${readyPath}`, { signal })).status === 200,
  };
}

/**
 * A process with a name of its own has ports of its own; otherwise the app's names and preferences count.
 * @param {AppGround} ground
 * @param {string | undefined} ownName
 * @param {string} variable
 * @param {import('@heliograph/stack').AppPort} wish
 */
function choosePort(ground, ownName, variable, { name, preferred }) {
  if (ownName === undefined) return ground.port(name, { preferred });
  return ground.port(variable === HTTP_PORT ? ownName : `${ownName}-${name}`);
}
