import { type ClaimCheck, createClaimCheck } from '@heliograph/codec/claims';
import { createCodec, createCodecMetrics, createCodecPlugin, type KeyRing } from '@heliograph/codec/codecs';
import { ConfigError, type Env, loadConfig, type Logger, type Telemetry } from '@heliograph/service';
import * as v from 'valibot';
import type { DataConverter } from '../app-options.ts';
import type { TemporalConfig } from '../temporal/read-temporal-address.ts';
import { codecVariables, temporalVariables } from '../variables.ts';
import { refuseKeys } from './config-problem.ts';
import { type CodecConfig, hasKeys } from './open-key-ring.ts';
import type { StoredPayloads } from './open-stored-payloads.ts';

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
  /** Whether large payloads are stored outside, if there is a store for them. */
  readonly storesLarge: boolean;
  readonly openStoredPayloads: () => Promise<StoredPayloads | null>;
  /** The bundle of a worker that runs workflows. */
  readonly workflowBundle?: { readonly code: string } | undefined;
}

/** Adds encryption to the converter of an app; both may be none. */
export type AddEncryption = (own: DataConverter | undefined) => DataConverter | undefined;

const CLAIMS = 'HELIOGRAPH_CODEC_CLAIMS';
const unchanged: AddEncryption = (own) => own;

/**
 * Opens the keys of a process, before it connects anything. Without keys it warns, once, that payloads are stored in clear.
 *
 * @throws {ConfigError} if the mode needs keys and there are none, or if they cannot be used.
 * @throws {CodecError} CODEC_BUNDLE_UNFIT for a bundle that would store failures in clear.
 */
export async function openPayloadCodec(options: PayloadOptions): Promise<AddEncryption> {
  const { domain, env, logger, openKeyRing, storesLarge, workflowBundle } = options;
  if (domain === undefined) return unchanged;
  const config = loadConfig(v.object({ ...temporalVariables, ...codecVariables }), env);
  const isOff = config.HELIOGRAPH_CODEC_MODE === 'off';
  if (isOff) logger.warn('payloads are stored in clear: HELIOGRAPH_CODEC_MODE is off');
  const usesClaims = storesLarge && config[CLAIMS] !== undefined;
  if (isOff && !hasKeys(config)) {
    if (!usesClaims) return unchanged;
    throw new ConfigError([{ variable: CLAIMS, detail: 'large payloads are stored encrypted; add keys' }]);
  }
  const keys = await openKeyRing(config.HELIOGRAPH_TEMPORAL_NAMESPACE);
  if (usesClaims) assertClaimKey(keys, domain);
  const claims = usesClaims ? await openClaimCheck(config, options) : null;
  const plugin = createCodecPlugin(createCodecOf(keys, domain, config, claims, options));
  await plugin.configureWorker({ workflowBundle });
  return (own) => plugin.configureClient(own === undefined ? {} : { dataConverter: own }).dataConverter;
}

/** A ring from before there was a claim check has none. */
function assertClaimKey(keys: KeyRing, domain: string): void {
  if (!keys.domains.includes(domain) || keys.claimKeys?.(domain)[0] !== undefined) return;
  const detail = `the domain ${domain} has no key to name large payloads with; add one to its keys, with "use":"claims"`;
  throw new ConfigError([{ variable: CLAIMS, detail }]);
}

async function openClaimCheck(
  { HELIOGRAPH_CODEC_CLAIMS_THRESHOLD_BYTES: thresholdBytes }: CodecConfig,
  { logger, openStoredPayloads }: PayloadOptions,
): Promise<ClaimCheck | null> {
  const stored = await openStoredPayloads();
  if (stored === null) return null;
  return createClaimCheck({
    ...stored,
    thresholdBytes,
    onProblem: (error) => logger.warn({ err: error }, 'large payloads stay inline'),
  });
}

function createCodecOf(
  keys: KeyRing,
  domain: string,
  config: CodecConfig & TemporalConfig,
  claims: ClaimCheck | null,
  { telemetry, draining }: PayloadOptions,
) {
  const { HELIOGRAPH_TEMPORAL_NAMESPACE: namespace } = config;
  const { HELIOGRAPH_CODEC_MODE: mode, HELIOGRAPH_CODEC_COMPRESSION_MIN_BYTES: minBytes } = config;
  try {
    const codec = createCodec({
      keys,
      namespace,
      domain,
      claims,
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
