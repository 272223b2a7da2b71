import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * @typedef {{ readonly name: string, readonly filename: string, readonly files: readonly { readonly path: string }[] }} Tarball
 * @typedef {{ readonly code: number, readonly output: string }} Outcome
 *
 * @typedef {object} ConsumerProject
 * @property {string} folder
 * @property {readonly Tarball[]} tarballs
 * @property {(name: string, code: string, timeoutMs: number) => Promise<Outcome>} run writes a module into the project
 *   and runs it with plain Node
 * @property {() => void} remove
 */

/**
 * Packs packages and installs the tarballs together into an empty project, as somebody would who has never seen this
 * repository. Overrides do not travel with packages, so the project has that of the root.
 * @param {string} root
 * @param {readonly { folder: string, manifest: { name: string } }[]} packages
 * @param {Readonly<Record<string, string>>} protobuf the one copy: `{ protobufjs: version }`
 * @returns {Promise<ConsumerProject>}
 */
export async function createConsumerProject(root, packages, protobuf) {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-consumer-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const tarballs = await pack(root, packages, join(folder, 'tarballs'));
    const files = tarballs.map(({ name, filename }) => [name, `file:./tarballs/${filename}`]);
    const manifest = {
      name: 'consumer',
      private: true,
      dependencies: { ...Object.fromEntries(files), ...protobuf },
      overrides: Object.fromEntries(Object.keys(protobuf).map((name) => [name, `$${name}`])),
    };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
    const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    await npm(['install', ...options], folder);
    return {
      folder,
      tarballs,
      remove,
      run(name, code, timeoutMs) {
        const file = join(folder, name);
        writeFileSync(file, code);
        return execute(process.execPath, [file], { cwd: folder, timeout: timeoutMs });
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/**
 * @param {string} root
 * @param {readonly { folder: string }[]} packages
 * @param {string} destination
 * @returns {Promise<readonly Tarball[]>}
 */
async function pack(root, packages, destination) {
  mkdirSync(destination);
  const folders = packages.map(({ folder }) => `./${folder}`);
  const options = ['--json', '--ignore-scripts', '--loglevel=error', `--pack-destination=${destination}`];
  return JSON.parse(await npm(['pack', ...folders, ...options], root));
}

/**
 * @param {readonly string[]} args
 * @param {string} cwd
 */
async function npm(args, cwd) {
  const { code, output } = await execute('npm', args, { cwd, timeout: 240_000 });
  if (code !== 0) throw new Error(`npm ${args[0]} failed with exit code ${code}\n${output}`);
  return output;
}

/**
 * Under `npm test` the environment tells npm and Node about this repository; the project must know nothing of it.
 * @returns {NodeJS.ProcessEnv}
 */
function foreignEnvironment() {
  const own =
    /^(?:npm_(?:package|lifecycle|command|execpath)|npm_config_(?:local_prefix|prefix)$|NODE_OPTIONS$|NODE_PATH$|NX_|JEST_|NODE_ENV$|HELIOGRAPH_|INIT_CWD$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, timeout: number }} options
 * @returns {Promise<Outcome>} the output is stdout on success, and both streams otherwise
 */
function execute(command, args, options) {
  return new Promise((resolve) => {
    const limits = { maxBuffer: 64 * 1024 * 1024, killSignal: /** @type {const} */ ('SIGKILL') };
    execFile(command, args, { ...options, ...limits, env: foreignEnvironment() }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, output: stdout });
      else {
        const reason =
          error.killed === true ? `killed after ${options.timeout} ms` : error.message.split('\n')[0];
        resolve({
          code: typeof error.code === 'number' ? error.code : 1,
          output: `${stdout}${stderr}\n${reason}`,
        });
      }
    });
  });
}
