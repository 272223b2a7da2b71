import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseKeyRing } from '@heliograph/codec/codecs';
import { eventually } from '@heliograph/testkit';

const KEY_RING = JSON.stringify({
  domains: {
    dispatch: { active: 'd1', keys: [{ id: 'd1', key: Buffer.alloc(32, 1).toString('base64url') }] },
    health: { active: 'h1', keys: [{ id: 'h1', key: Buffer.alloc(32, 2).toString('base64url') }] },
  },
});

/** A process starts on a machine that runs many others. */
const START = { timeoutMs: 60_000 };

/** A policy by which the role `developer` may do something with one domain. */
export function policyFor(domain: string, actions = 'decode'): string {
  return `version: 1\nelevated: []\nrules:\n  - { roles: [developer], namespaces: [test], domains: [${domain}], actions: [${actions}] }\n...\n`;
}

/** Files of a server, in a folder of their own. */
export async function serverFiles() {
  const directory = await mkdtemp(join(tmpdir(), 'codec-server-'));
  const policyFile = join(directory, 'policy.yaml');
  const keysFile = join(directory, 'keys.json');
  await writeFile(policyFile, policyFor('dispatch', 'decode, encode'));
  await writeFile(keysFile, KEY_RING);
  return {
    directory,
    policyFile,
    keysFile,
    keys: parseKeyRing(KEY_RING),
    env: {
      HELIOGRAPH_CODEC_POLICY_FILE: policyFile,
      HELIOGRAPH_CODEC_POLICY_INTERVAL_MS: '100',
      HELIOGRAPH_CODEC_KEYS_FILE: keysFile,
      HELIOGRAPH_CODEC_CALLERS: 'dev:developer-key-of-tests:developer',
      HELIOGRAPH_HTTP_PORT: '0',
      HELIOGRAPH_DRAIN_MS: '0',
    },
    remove: () => rm(directory, { recursive: true }),
  };
}

/** Runs the built program; `output` grows. */
export function spawnServer(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['dist/main.js', ...args], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const state = { output: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (state.output += chunk.toString()));
  const ended = new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  return {
    child,
    ended,
    output: () => state.output,
    url: () => eventually('it listens', () => /"url":"(https?:[^"]+)"/.exec(state.output)?.[1], START),
    logged: (text: string) =>
      eventually(`it logs ${text}`, () => (state.output.includes(text) ? true : undefined), START),
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
