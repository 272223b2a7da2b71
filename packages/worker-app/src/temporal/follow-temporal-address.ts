import { X509Certificate } from 'node:crypto';
import { follow, type Env, type Logger, type ServicePart, type Telemetry } from '@heliograph/service';
import type { TemporalAddress } from '@heliograph/temporal-worker/client';
import { readTemporalAddress, TLS_FILES, type TemporalConfig } from './read-temporal-address.ts';

/** What following the files needs of its process. */
export interface AddressSurroundings {
  readonly env: Env;
  readonly logger: Logger;
  readonly telemetry: Pick<Telemetry, 'meter'>;
  readonly register: (part: ServicePart) => void;
  /** How often the files are read, in milliseconds; default 5,000. */
  readonly intervalMs?: number;
}

/**
 * Reads the address of Temporal and follows the files of its certificates. `use` receives the address with other
 * certificates and connects with them; what it throws, or files that cannot be used, leave the ones of before in use, are
 * logged and counted, and are tried again until they work.
 *
 * @throws {ConfigError} as `readTemporalAddress`, for what the files hold at the start.
 */
export async function followTemporalAddress(
  config: TemporalConfig,
  { env, logger, telemetry, register, intervalMs }: AddressSurroundings,
  use: (address: TemporalAddress) => Promise<void>,
): Promise<TemporalAddress> {
  const read = () => readTemporalAddress(config, env);
  if (TLS_FILES.every((variable) => config[variable] === undefined)) return read();
  const reloads = telemetry.meter.createCounter('heliograph_temporal_tls_reloads', {
    description:
      'Changed certificate files for Temporal by result: used, or refused while those of before stay in use.',
  });
  const followed = await follow({
    read,
    isSame: (before, now) => JSON.stringify(before.tls) === JSON.stringify(now.tls),
    onChange: async (address) => {
      await use(address);
      reloads.add(1, { result: 'used' });
      logger.info(
        { validUntil: validUntil(address) },
        'Temporal is connected with the replaced certificates',
      );
    },
    onProblem: (error) => {
      reloads.add(1, { result: 'refused' });
      logger.error(
        { err: error },
        'the certificate files for Temporal cannot be used; those of before stay in use',
      );
    },
    ...(intervalMs === undefined ? {} : { intervalMs }),
  });
  telemetry.meter
    .createObservableGauge('heliograph_temporal_certificates_current', {
      description:
        'Whether the certificates in use for Temporal are those of their files: 0 for as long as the files cannot be used.',
    })
    .addCallback((result) => result.observe(followed.problem() === null ? 1 : 0));
  register({ name: 'temporal-certificates', stop: async () => followed.close() });
  telemetry.meter
    .createObservableGauge('heliograph_temporal_certificate_valid_seconds', {
      description:
        'How long the client certificate in use for Temporal is still valid; below 0 once it has expired.',
      unit: 's',
    })
    .addCallback((result) => {
      const until = validUntil(followed.current());
      if (until !== null) result.observe(Math.round((until.getTime() - Date.now()) / 1000));
    });
  return followed.current();
}

function validUntil({ tls }: TemporalAddress): Date | null {
  const certificate = tls?.clientCertificate;
  return certificate === undefined ? null : new Date(new X509Certificate(certificate).validTo);
}
