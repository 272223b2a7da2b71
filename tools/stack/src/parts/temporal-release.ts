/** One archive of the Temporal CLI, and the only content of it that is ever used. */
export interface TemporalArchive {
  readonly name: string;
  readonly url: string;
  /** Of the archive, in lower-case hexadecimal. */
  readonly sha256: string;
}

/** The Temporal CLI that is downloaded; it contains Temporal Server 1.32.0. */
export const CLI_VERSION = '1.9.1';

/** From the release's checksums.txt. A new version needs all of them anew. */
const SHA256: Readonly<Record<string, string>> = {
  darwin_amd64: '48cdd6c84c56e27ae8e4d9a47052b89289a9c552dee029b49dd312c6fb72873f',
  darwin_arm64: '41e0425378fcb4fb5766340b97435e20fe47bbff2d7bf644ec2d51f7662b7c56',
  linux_amd64: '09a0326a51db84d02735e53542b9ebd8c4758daf47482a9ab0abce15844e60d5',
  linux_arm64: '6c57c352d52fc3df34412376fd9ba6f74b7e3ace8e426e6cba8600156d36a145',
};

/** Returns the archive for a platform, in Node's terms; `undefined` where none is pinned. */
export function findArchive(platform: string, arch: string): TemporalArchive | undefined {
  const build = `${platform}_${arch === 'x64' ? 'amd64' : arch}`;
  const sha256 = SHA256[build];
  if (sha256 === undefined) return undefined;
  const name = `temporal_cli_${CLI_VERSION}_${build}.tar.gz`;
  const url = `https://github.com/temporalio/cli/releases/download/v${CLI_VERSION}/${name}`;
  return { name, url, sha256 };
}
