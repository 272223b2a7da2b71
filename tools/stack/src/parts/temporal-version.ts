/** What a Temporal binary is: the CLI, which contains a server, or the server itself. */
export type TemporalBinaryInfo = { kind: 'cli' | 'server'; serverVersion: string };
/** The oldest Temporal Server that can skip time; older ones ignore the request without a word. */
export const OLDEST_SERVER = '1.32.0';

/** The server that is built if no recent one is found. */
export const BUILT_SERVER = '1.32.1';

/** The oldest Go that builds it. */
export const OLDEST_GO = '1.26.8';

/**
 * Reads the output of `--version`; `undefined` when it is not Temporal's.
 *
 * A CLI names its server in brackets, and only that counts: one built by `go install` calls itself 0.0.0-DEV.
 */
export function parseVersionOutput(output: string): TemporalBinaryInfo | undefined {
  const cli = /\(Server v?(\d+\.\d+\.\d+)/i.exec(output);
  if (cli?.[1] !== undefined) return { kind: 'cli', serverVersion: cli[1] };
  const server = /^temporal(?:-server)? version v?(\d+\.\d+\.\d+)/im.exec(output);
  if (server?.[1] !== undefined) return { kind: 'server', serverVersion: server[1] };
  return undefined;
}

/** Reads the version in the output of `go version`; `undefined` when there is none. */
export function parseGoVersion(output: string): string | undefined {
  return /\bgo(\d+\.\d+(?:\.\d+)?)/.exec(output)?.[1];
}

/** Says whether a dotted version is at least another one; missing places count as 0. */
export function isAtLeast(version: string, oldest: string): boolean {
  const have = version.split('.').map(Number);
  const want = oldest.split('.').map(Number);
  for (let place = 0; place < Math.max(have.length, want.length); place++) {
    const difference = (have[place] ?? 0) - (want[place] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
