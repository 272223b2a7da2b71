import { CodecError, createCodec, readEnvelope } from '@heliograph/codec/codecs';
import { type Edge, problem } from '@heliograph/service';
import type { Payload, PayloadCodec } from '@temporalio/common';
import type { AuditPart } from '../audit-trail.ts';
import { toDenial, toPayloadFailure } from '../payloads/payload-failure.ts';
import { isStorageReference } from '../payloads/storage-reference.ts';
import { decide, type Target } from '../policy/decide.ts';
import { readPayloadJson, sameJson, writePayloadJson } from '../wire/payload-json.ts';
import { readPayloads } from '../wire/read-payloads.ts';
import { isTrue } from './decode-api.ts';
import { wireOperations } from './operations.ts';
import { unknownBody } from './unknown-body.ts';
import { assertKnownRole, type WireServices } from './wire-services.ts';

/**
 * `POST …/encode`: encrypts all payloads for one namespace and domain, which the request names and the policy has to allow.
 * It is all or nothing: whoever encodes is about to send the result to Temporal.
 */
export function addEncodeApi(edge: Edge, services: WireServices): void {
  const { keys, trail, metrics, limits, defaultDomain } = services;
  edge.route({
    ...wireOperations.encode,
    acceptsPrefix: true,
    accepts: unknownBody,
    async handler({ body, query, principal, headers, context, hold }) {
      const policy = services.policy();
      assertKnownRole(policy, principal);
      const payloads = readPayloads(body, limits.maxPayloads);
      const target = {
        namespace: namespaceOf(headers, new URL(context.req.url).pathname),
        domain: domainOf(headers, defaultDomain ?? onlyOne(keys.domains)),
      };
      const note = (part: Pick<AuditPart, 'keyId' | 'outcome' | 'reason'>): void => {
        const parts = [{ ...target, count: payloads.length, ...part }];
        trail.note(context, parts);
        metrics.payloads('encode', parts);
      };
      const decision = decide(policy, principal, target, 'encode');
      if (decision.kind === 'denied') {
        const { status, code, detail } = toDenial(decision, target, 'encode');
        note({ keyId: null, outcome: 'denied', reason: code });
        throw problem(status, code, detail);
      }
      const isKept = payloads.map((json) => isTrue(query.preserveStorageRefs) && isStorageReference(json));
      const plain = payloads.filter((_, index) => isKept[index] !== true).map(readPayloadJson);
      // Itself, encrypted, and as texts of the answer.
      hold.take(ENCODING_FACTOR * plain.reduce((sum, { data }) => sum + (data?.length ?? 0), 0));
      let encoded: readonly Payload[];
      try {
        encoded = await createTargetCodec(services, target).encode(plain);
      } catch (error) {
        const { status, code, detail } = toPayloadFailure(error);
        note({ keyId: null, outcome: 'failed', reason: code });
        throw problem(status, code, detail);
      }
      const [first] = encoded;
      const keyId = first === undefined ? null : (readEnvelope(first)?.keyId ?? null);
      note({ keyId, outcome: 'allowed', reason: null });
      const left = encoded.values();
      const answered = payloads.map((json, index) =>
        isKept[index] === true ? sameJson(json) : writePayloadJson(left.next().value ?? missing()),
      );
      return { status: 200, body: { payloads: answered } };
    },
  });
}

/** @throws CodecError CODEC_NAMESPACE_FOREIGN, CODEC_KEY_UNKNOWN */
function createTargetCodec(
  { keys, limits }: WireServices,
  { namespace, domain }: Target & { readonly namespace: string },
): PayloadCodec {
  if (keys.namespace !== undefined && keys.namespace !== namespace)
    throw new CodecError('CODEC_NAMESPACE_FOREIGN', `This server has no keys of the namespace ${namespace}.`);
  if (!keys.domains.includes(domain))
    throw new CodecError('CODEC_KEY_UNKNOWN', `This server has no keys of the domain ${domain}.`);
  const compression = { maxInflatedBytes: limits.perPayloadBytes };
  return createCodec({ keys, namespace, domain, compression });
}

/** Bytes that an answer holds for each byte that is encrypted. */
const ENCODING_FACTOR = 6;

const NAMESPACE = /^[\w.-]{1,255}$/;

/**
 * The namespace that payloads are encrypted for: `X-Namespace`, or, where a tool leaves that empty, what stands before
 * `/encode` in the path. Neither is trusted: the policy has to allow it.
 */
function namespaceOf(headers: Headers, path: string): string {
  const header = headers.get('x-namespace') ?? '';
  const inPath = path.split('/').at(-2) ?? '';
  const namespace = header === '' ? inPath : header;
  if (NAMESPACE.test(namespace)) return namespace;
  throw problem(
    400,
    'NAMESPACE_REQUIRED',
    'Say for which namespace to encrypt: in the header X-Namespace, or in the path, /{namespace}/encode.',
  );
}

function domainOf(headers: Headers, otherwise: string | null): string {
  const domain = headers.get('x-codec-domain') ?? otherwise;
  if (domain !== null && /^[a-z0-9-]{1,32}$/.test(domain)) return domain;
  throw problem(400, 'DOMAIN_REQUIRED', 'Say for which domain to encrypt, in the header X-Codec-Domain.');
}

function onlyOne(domains: readonly string[]): string | null {
  return domains.length === 1 ? (domains[0] ?? null) : null;
}

function missing(): never {
  throw new TypeError('a codec returned too few payloads');
}
