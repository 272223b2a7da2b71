import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { eventually } from '@heliograph/testkit';

/** A line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly message?: string };

function parseLine(line: string): LogLine {
  const parsed: LogLine = JSON.parse(line);
  return parsed;
}

/** A tiny app that runs in a process of its own. */
export interface TinyProcess {
  /** The base URL, as soon as it listens. */
  url(): Promise<string>;
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
  const log = (): readonly LogLine[] => stdout.split('\n').slice(0, -1).map(parseLine);
  return {
    url: () =>
      eventually('it listens', () => {
        const url = log().findLast((line) => line['url'] !== undefined)?.['url'];
        if (url === undefined && child.exitCode !== null) throw new Error(`it ended: ${stderr}`);
        return typeof url === 'string' ? url : undefined;
      }),
    log,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
    ended: new Promise((resolve) => child.once('close', resolve)),
  };
}
