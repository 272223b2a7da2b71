import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseLogLine, type LogLine } from './parse-log-line.ts';

/** A tiny app that runs in a process of its own. */
export interface TinyProcess {
  /** The base URL, as soon as it listens; rejects when it ends before. */
  url(): Promise<string>;
  /** All lines so far. `@throws {Error}` when one has a key twice. */
  log(): readonly LogLine[];
  stderr(): string;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
  readonly ended: Promise<number | null>;
}

/** Starts a tiny app, from source. */
export function runTiny(args: readonly string[], env: Readonly<Record<string, string>>): TinyProcess {
  const child = spawn(
    process.execPath,
    ['--conditions=@heliograph/source', fileURLToPath(new URL('tiny-app.ts', import.meta.url)), ...args],
    {
      env: { HELIOGRAPH_HTTP_PORT: '0', HELIOGRAPH_DRAIN_MS: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const log = (): readonly LogLine[] => stdout.split('\n').slice(0, -1).map(parseLogLine);
  const listening = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', () => {
      try {
        const url = log().findLast((line) => line['url'] !== undefined)?.['url'];
        if (typeof url === 'string') resolve(url);
      } catch (error) {
        reject(error instanceof Error ? error : new Error('a line of the log cannot be read'));
      }
    });
    child.once('close', () => reject(new Error(`it ended: ${stderr}`)));
  });
  // Some tests only wait for the end.
  listening.catch(() => undefined);
  return {
    url: () => listening,
    log,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
    ended: new Promise((resolve) => child.once('close', resolve)),
  };
}
