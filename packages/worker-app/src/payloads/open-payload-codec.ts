import { createCodec, createCodecMetrics, createCodecPlugin, type KeyRing } from '@heliograph/codec/codecs';
import { type Env, loadConfig, type Logger, type Telemetry } from '@heliograph/service';
import * as v from 'valibot';
import type { DataConverter } from '../app-options.ts';
import type { TemporalConfig } from '../temporal-address.ts';
import { codecVariables, temporalVariables } from '../variables.ts';
import { refuseKeys } from './config-problem.ts';
import { type CodecConfig, hasKeys } from './open-key-ring.ts';

/** What the payloads of a process are encrypted with. */
export interface PayloadOptions {
  /** The domain that encrypts; without one nothing is. */
  readonly domain: string | undefined;
  readonly env: Env;
  readonly logger: Logger;
  readonly telemetry: Pick<Telemetry, 'meter'>;
  /** Ends waits for keys whose source is away. */
  readonly draining: AbortSignal;
  readonly openKeyRing: (namespace: string) => Promise<KeyRing>;
  /** The bundle of a worker that runs workflows. */
  readonly workflowBundle?: { readonly code: string } | undefined;
}

/** Adds encryption to the converter of an app; both may be none. */
export type AddEncryption = (own: DataConverter | undefined) => DataConverter | undefined;

const unchanged: AddEncryption = (own) => own;

/**
 * Opens the keys of a process, before it connects anything. Without keys it warns, once, that payloads are stored in clear.
 *
 * @throws {ConfigError} if the mode needs keys and there are none, or if they cannot be used.
 * @throws {CodecError} CODEC_BUNDLE_UNFIT for a bundle that would store failures in clear.
 */
export async function openPayloadCodec(options: PayloadOptions): Promise<AddEncryption> {
  const { domain, env, logger, openKeyRing, workflowBundle } = options;
  if (domain === undefined) return unchanged;
  const config = loadConfig(v.object({ ...temporalVariables, ...codecVariables }), env);
  const isOff = config.HELIOGRAPH_CODEC_MODE === 'off';
  if (isOff) logger.warn('payloads are stored in clear: HELIOGRAPH_CODEC_MODE is off');
  if (isOff && !hasKeys(config)) return unchanged;
  const plugin = createCodecPlugin(
    createCodecOf(await openKeyRing(config.HELIOGRAPH_TEMPORAL_NAMESPACE), domain, config, options),
  );
  await plugin.configureWorker({ workflowBundle });
  return (own) => plugin.configureClient(own === undefined ? {} : { dataConverter: own }).dataConverter;
}

function createCodecOf(
  keys: KeyRing,
  domain: string,
  config: CodecConfig & TemporalConfig,
  { telemetry, draining }: PayloadOptions,
) {
  const { HELIOGRAPH_TEMPORAL_NAMESPACE: namespace } = config;
  const { HELIOGRAPH_CODEC_MODE: mode, HELIOGRAPH_CODEC_COMPRESSION_MIN_BYTES: minBytes } = config;
  try {
    const codec = createCodec({
      keys,
      namespace,
      domain,
      mode: mode === 'strict' ? 'strict' : 'permissive',
      metrics: createCodecMetrics(telemetry.meter),
      signal: draining,
      compression: config.HELIOGRAPH_CODEC_COMPRESSION ? { minBytes } : false,
    });
    if (mode !== 'off') return codec;
    // The first step of a migration: everybody can read what others encrypt already, and nobody has to.
    return { ...codec, encode: async (payloads: Parameters<typeof codec.encode>[0]) => payloads };
  } catch (error) {
    return refuseKeys('', error);
  }
}
