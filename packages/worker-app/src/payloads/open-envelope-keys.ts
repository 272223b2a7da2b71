import { createAwsKmsSource } from '@heliograph/codec/aws-kms';
import {
  CodecError,
  createCodecMetrics,
  createEnvelopeKeyRing,
  type DomainKeys,
  type EnvelopeKeyRing,
  type EnvelopeKeys,
  type EnvelopeKeySource,
} from '@heliograph/codec/codecs';
import { createVaultSource } from '@heliograph/codec/vault';
import * as v from 'valibot';
import type { KeySurroundings } from './open-key-ring.ts';

const text = v.pipe(v.string(), v.nonEmpty());

const sourceSchema = v.variant('type', [
  v.strictObject({
    type: v.literal('aws-kms'),
    id: text,
    keyId: text,
    region: v.optional(text),
    endpoint: v.optional(text),
  }),
  v.strictObject({
    type: v.literal('vault'),
    id: text,
    address: text,
    keyName: text,
    tokenFile: text,
    mount: v.optional(text),
    vaultNamespace: v.optional(text),
  }),
]);

const domainSchema = v.strictObject({
  /** Id of the source that encrypts; the others only decrypt. Left out, nothing is encrypted in the domain. */
  active: v.optional(text),
  sources: v.pipe(v.array(sourceSchema), v.minLength(1)),
});

const fileSchema = v.strictObject({ domains: v.looseObject({}) });

/**
 * Opens the keys of a key management service that a file in JSON names, by domain:
 * `{"domains":{"dispatch":{"active":"kms-2026","sources":[{"type":"aws-kms","id":"kms-2026","keyId":"arn:…"}]}}}`. A source
 * of type `vault` has `address`, `keyName` and `tokenFile`. The file holds no secret. Without `active`, as for a codec server
 * whose role may not make data keys, the domain has keys that only decrypt.
 *
 * @param own Keys of our own by domain, from before there was a key management service: they only decrypt.
 * @throws {CodecError} CODEC_KEYS_INVALID naming the place; CODEC_KEY_UNAVAILABLE or CODEC_KEY_REFUSED if a service gives no
 *   first data key.
 */
export async function openEnvelopeKeys(
  json: string,
  own: Readonly<Record<string, DomainKeys>>,
  { namespace, logger, telemetry }: Omit<KeySurroundings, 'register'>,
): Promise<EnvelopeKeyRing> {
  const domains = Object.entries(read(fileSchema, parseJson(json), '').domains).map(
    ([domain, value]) => [domain, read(domainSchema, value, `domains.${domain}`)] as const,
  );
  const missing = Object.keys(own).find((domain) => !domains.some(([name]) => name === domain));
  if (missing !== undefined)
    throw invalid(
      `the domain ${missing} has keys of its own and is missing here, so nothing could encrypt in it`,
    );
  const opened: (readonly [string, EnvelopeKeys])[] = [];
  for (const [domain, { active, sources }] of domains)
    opened.push([domain, keysOf(domain, active, await Promise.all(sources.map(openSource)), own[domain])]);
  return createEnvelopeKeyRing({
    namespace,
    domains: Object.fromEntries(opened),
    metrics: createCodecMetrics(telemetry.meter),
    onProblem: (error) => logger.error({ err: error }, 'a data key cannot be replaced; the old one encrypts'),
  });
}

function keysOf(
  domain: string,
  activeId: string | undefined,
  sources: readonly EnvelopeKeySource[],
  own: DomainKeys | undefined,
): EnvelopeKeys {
  const active = sources.find(({ id }) => id === activeId);
  if (active === undefined && activeId !== undefined)
    throw invalid(`the active source of the domain ${domain} is not among its sources`);
  return {
    ...(active === undefined ? {} : { active }),
    others: sources.filter((source) => source !== active),
    keys: own === undefined ? [] : [own.active, ...own.others],
    claims: own?.claims ?? [],
  };
}

async function openSource(source: v.InferOutput<typeof sourceSchema>): Promise<EnvelopeKeySource> {
  if (source.type === 'vault') {
    const { id, address, keyName, tokenFile, mount, vaultNamespace } = source;
    return createVaultSource({
      id,
      address,
      keyName,
      tokenFile,
      ...(mount === undefined ? {} : { mount }),
      ...(vaultNamespace === undefined ? {} : { vaultNamespace }),
    });
  }
  const { id, keyId, region, endpoint } = source;
  return createAwsKmsSource({
    id,
    keyId,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
  });
}

function read<T extends v.GenericSchema>(schema: T, value: unknown, place: string): v.InferOutput<T> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = [place, v.getDotPath(issue) ?? ''].filter((part) => part !== '').join('.');
  // Without what was found there: an address may hold a password.
  throw invalid(`${path === '' ? 'the file' : path}: expected ${issue.expected ?? 'something else'}`);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw invalid('the file is not JSON');
  }
}

function invalid(detail: string): CodecError {
  return new CodecError('CODEC_KEYS_INVALID', `The envelope keys cannot be used: ${detail}.`);
}
