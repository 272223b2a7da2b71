import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Tarball = {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
};

type Outcome = { readonly code: number; readonly output: string };

export interface ConsumerProject {
  readonly folder: string;
  readonly tarballs: readonly Tarball[];
  /** Writes a module into the project and runs it with plain Node. */
  readonly run: (name: string, code: string, timeoutMs: number) => Promise<Outcome>;
  readonly remove: () => void;
}

/**
 * Packs packages and installs the tarballs together into an empty project, as somebody would who has never seen this
 * repository. Overrides do not travel with packages, so the project has that of the root.
 * @param protobuf the one copy: `{ protobufjs: version }`
 */
export async function createConsumerProject(
  root: string,
  packages: readonly { folder: string; manifest: { name: string } }[],
  protobuf: Readonly<Record<string, string>>,
): Promise<ConsumerProject> {
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

async function pack(
  root: string,
  packages: readonly { folder: string }[],
  destination: string,
): Promise<readonly Tarball[]> {
  mkdirSync(destination);
  const folders = packages.map(({ folder }) => `./${folder}`);
  const options = ['--json', '--ignore-scripts', '--loglevel=error', `--pack-destination=${destination}`];
  return JSON.parse(await npm(['pack', ...folders, ...options], root));
}

async function npm(args: readonly string[], cwd: string) {
  const { code, output } = await execute('npm', args, { cwd, timeout: 240_000 });
  if (code !== 0) throw new Error(`npm ${args[0]} failed with exit code ${code}\n${output}`);
  return output;
}

/**
 * Under `npm test` the environment tells npm and Node about this repository; the project must know nothing of it.
 */
function foreignEnvironment(): NodeJS.ProcessEnv {
  const own =
    /^(?:npm_(?:package|lifecycle|command|execpath)|npm_config_(?:local_prefix|prefix)$|NODE_OPTIONS$|NODE_PATH$|NX_|JEST_|NODE_ENV$|HELIOGRAPH_|INIT_CWD$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}

/** @returns the output is stdout on success, and both streams otherwise */
function execute(
  command: string,
  args: readonly string[],
  options: { cwd: string; timeout: number },
): Promise<Outcome> {
  return new Promise((resolve) => {
    const limits = { maxBuffer: 64 * 1024 * 1024, killSignal: 'SIGKILL' as const };
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
