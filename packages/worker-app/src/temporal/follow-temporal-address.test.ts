import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLS_AUTHORITY, type IssuedPair } from '@heliograph/simulators';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  createLogger,
  loadConfig,
  startTelemetry,
  type ServicePart,
  type Telemetry,
} from '@heliograph/service';
import type { TemporalAddress } from '@heliograph/temporal-worker/client';
import * as v from 'valibot';
import { temporalVariables } from '../variables.ts';
import { followTemporalAddress } from './follow-temporal-address.ts';

const { first, second, expired } = TLS_AUTHORITY;
let directory: string;
let telemetry: Telemetry;
let lines: { readonly level: string; readonly msg: string }[];
let parts: ServicePart[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pem-'));
  telemetry = startTelemetry({ serviceName: 'app', version: '1.0.0' });
  lines = [];
  parts = [];
});
afterEach(async () => {
  for (const part of parts) await part.stop(1000);
  await telemetry.shutdown();
  await rm(directory, { recursive: true });
});

async function write({ cert, key }: Partial<IssuedPair>): Promise<void> {
  if (cert !== undefined) await writeFile(join(directory, 'crt'), cert);
  if (key !== undefined) await writeFile(join(directory, 'key'), key);
}

async function start(use: (address: TemporalAddress) => Promise<void>): Promise<TemporalAddress> {
  const env = {
    HELIOGRAPH_TEMPORAL_ADDRESS: 'temporal:7233',
    HELIOGRAPH_TEMPORAL_TLS_CERT_FILE: join(directory, 'crt'),
    HELIOGRAPH_TEMPORAL_TLS_KEY_FILE: join(directory, 'key'),
  };
  const logger = createLogger({
    name: 'app',
    destination: { write: (line) => void lines.push(JSON.parse(line) as (typeof lines)[0]) },
  });
  const surroundings = {
    env,
    logger,
    telemetry,
    register: (part: ServicePart) => void parts.push(part),
    intervalMs: 5,
  };
  return followTemporalAddress(loadConfig(v.object(temporalVariables), env), surroundings, use);
}

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2));
};
const logged = (level: string): number => lines.filter((line) => line.level === level).length;

test('a replaced pair is connected with; one that is half replaced, expired or refused is not, and says so', async () => {
  await write(first);
  const used: (string | undefined)[] = [];
  let isRefused = false;
  const address = await start(async ({ tls }) => {
    if (isRefused) throw new Error('the service refuses the client certificate');
    used.push(tls?.clientCertificate);
  });
  expect(address.tls?.clientCertificate).toBe(first.cert);

  await write({ cert: second.cert });
  await until(() => logged('error') === 1);
  await write(expired);
  await until(() => logged('error') === 2);
  isRefused = true;
  await write(second);
  await until(() => logged('error') === 3);
  expect(used).toEqual([]);
  // It counts once for each reason, however long that lasts.
  const current = async (): Promise<string | undefined> =>
    /^heliograph_temporal_certificates_current(?:\{[^}]*\})? (\d+)/m.exec(
      await telemetry.prometheusText(),
    )?.[1];
  expect(await current()).toBe('0');

  // The same files, once the service takes them.
  isRefused = false;
  await until(() => used.length > 0);
  await until(() => logged('info') === 1);
  expect(used).toEqual([second.cert]);
  expect(await current()).toBe('1');
  const metrics = await telemetry.prometheusText();
  expect(metrics).toMatch(/heliograph_temporal_tls_reloads_total\{[^}]*result="used"[^}]*\} 1/);
  expect(metrics).toMatch(/heliograph_temporal_tls_reloads_total\{[^}]*result="refused"[^}]*\} 3/);
  expect(metrics).toMatch(/heliograph_temporal_certificate_valid_seconds(?:\{[^}]*\})? \d{9,}/);
});

test('what cannot be used at the start is refused', async () => {
  await write({ ...first, key: second.key });
  await expect(start(async () => undefined)).rejects.toThrow('is not that of the client certificate');
  expect(parts).toEqual([]);
});
