import { readFileSync } from 'node:fs';
import { createCodec, createKeyRing, parseDomainKeys } from '@heliograph/codec/codecs';
import type { PayloadCodec } from '@temporalio/common';
import { CODEC_SERVER } from './api.ts';
import { CliError } from './errors.ts';
import { apiOptions, type SharedArguments } from './options.ts';
import { createRemoteCodec } from './remote-codec.ts';
import { systemCode } from './replace-file.ts';
import type { Terminal } from './terminal.ts';

/** Options of a command that reads payloads of histories. */
export const HISTORY_CODEC_OPTIONS = {
  keys: {
    type: 'string',
    requiresArg: true,
    normalize: true,
    describe: 'Decrypt with this key file',
  },
  'codec-url': {
    type: 'string',
    requiresArg: true,
    describe: `Decrypt by this codec server, with the key in ${CODEC_SERVER.keyVariable}`,
  },
  'codec-key-file': {
    type: 'string',
    requiresArg: true,
    normalize: true,
    describe: `File with the key for the codec server; default: the key in ${CODEC_SERVER.keyVariable}`,
  },
} as const;

/** Their values. */
export interface HistoryCodecArguments {
  readonly keys: string | undefined;
  readonly codecUrl: string | undefined;
  readonly codecKeyFile: string | undefined;
}

const TIMEOUT_S = 30;

/**
 * Opens what decodes the payloads of a namespace: a key file, a codec server, or nothing, for plain ones.
 *
 * @throws {CliError} CLI_USAGE
 */
export function openHistoryCodec(
  { keys, codecUrl, codecKeyFile }: HistoryCodecArguments,
  namespace: string,
  terminal: Pick<Terminal, 'env'>,
): PayloadCodec | null {
  if (keys !== undefined && codecUrl !== undefined)
    throw new CliError('CLI_USAGE', '--keys and --codec-url are two ways to decrypt; use one of them');
  if (codecUrl !== undefined) {
    const given: SharedArguments = {
      json: false,
      apiUrl: codecUrl,
      apiKeyFile: codecKeyFile,
      timeout: TIMEOUT_S,
    };
    return createRemoteCodec({ ...apiOptions(CODEC_SERVER, given, terminal), namespace });
  }
  if (codecKeyFile !== undefined)
    throw new CliError('CLI_USAGE', '--codec-key-file belongs to --codec-url, which is not there');
  return keys === undefined ? null : openKeyFile(keys, namespace);
}

function openKeyFile(file: string, namespace: string): PayloadCodec {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError('CLI_USAGE', `--keys: the file cannot be read${systemCode(error)}`, { cause: error });
  }
  try {
    const ring = createKeyRing(parseDomainKeys(text));
    // The domain is the one that would encrypt; every key of the file decrypts.
    return createCodec({ keys: ring, namespace, domain: ring.domains[0] ?? '', isDecodeOnly: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown error';
    throw new CliError('CLI_USAGE', `--keys: ${why}`, { cause: error });
  }
}
