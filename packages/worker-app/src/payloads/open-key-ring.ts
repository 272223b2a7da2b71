import {
  type DomainKeys,
  type KeyRing,
  parseDomainKeys,
  parseKeyRing,
  watchKeyFile,
} from '@heliograph/codec/codecs';
import { ConfigError, type Logger, type ServicePart, type Telemetry } from '@heliograph/service';
import type { codecVariables, ConfigOf } from '../variables.ts';
import { readKeyFile, refuseKeys } from './config-problem.ts';
import { openEnvelopeKeys } from './open-envelope-keys.ts';

/** The values of the variables about keys. */
export type CodecConfig = ConfigOf<typeof codecVariables>;

/** What a key ring needs of its process. */
export interface KeySurroundings {
  /** Namespace of the workflows whose payloads the keys are for. */
  readonly namespace: string;
  readonly logger: Logger;
  readonly telemetry: Pick<Telemetry, 'meter'>;
  readonly register: (part: ServicePart) => void;
}

const FILE = 'HELIOGRAPH_CODEC_KEYS_FILE';
const JSON_ITSELF = 'HELIOGRAPH_CODEC_KEYS';
const ENVELOPE_FILE = 'HELIOGRAPH_CODEC_ENVELOPE_KEYS_FILE';

/** The variables that name keys. */
export const KEY_VARIABLES = [FILE, JSON_ITSELF, ENVELOPE_FILE] as const;

/** Whether any variable names keys. */
export function hasKeys(config: CodecConfig): boolean {
  return KEY_VARIABLES.some((name) => config[name] !== undefined);
}

/**
 * Opens the key ring that the variables describe, and closes it when the app stops: a key file that is followed, a key ring
 * in a variable, or keys of a key management service, beside which the keys of the other two only decrypt.
 *
 * @throws {ConfigError} naming the variable: no keys, two rings, or one that cannot be used.
 */
export async function openKeyRing(config: CodecConfig, surroundings: KeySurroundings): Promise<KeyRing> {
  const { [FILE]: file, [JSON_ITSELF]: json, [ENVELOPE_FILE]: envelopeFile } = config;
  if (file !== undefined && json !== undefined)
    throw new ConfigError([
      { variable: '', detail: `${FILE} and ${JSON_ITSELF} are both set; set one of them` },
    ]);
  if (envelopeFile !== undefined) {
    const own = await readOwnKeys(file, json?.reveal());
    const text = await readKeyFile(ENVELOPE_FILE, envelopeFile);
    const ring = await openEnvelopeKeys(text, own, surroundings).catch((error: unknown) =>
      refuseKeys(ENVELOPE_FILE, error),
    );
    surroundings.register({ name: 'codec-keys', stop: async () => ring.close() });
    return ring;
  }
  if (file !== undefined) return followKeyFile(file, surroundings);
  if (json !== undefined) return parse(JSON_ITSELF, json.reveal(), parseKeyRing);
  throw new ConfigError([
    { variable: '', detail: `no keys for payloads: set one of ${KEY_VARIABLES.join(', ')}` },
  ]);
}

async function followKeyFile(path: string, { logger, register }: KeySurroundings): Promise<KeyRing> {
  const ring = await watchKeyFile(path, {
    onChange: () => logger.info('the key file has changed, and its keys are in use'),
    onProblem: (error) =>
      logger.error({ err: error }, 'the key file cannot be used; the keys of before stay in use'),
  }).catch((error: unknown) => refuseKeys(FILE, error));
  register({ name: 'codec-keys', stop: async () => ring.close() });
  return ring;
}

async function readOwnKeys(
  file: string | undefined,
  json: string | undefined,
): Promise<Readonly<Record<string, DomainKeys>>> {
  if (file !== undefined) return parse(FILE, await readKeyFile(FILE, file), parseDomainKeys);
  return json === undefined ? {} : parse(JSON_ITSELF, json, parseDomainKeys);
}

function parse<T>(variable: string, json: string, read: (json: string) => T): T {
  try {
    return read(json);
  } catch (error) {
    return refuseKeys(variable, error);
  }
}
