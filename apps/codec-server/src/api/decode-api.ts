import { type Edge, problem, type RouteInput } from '@heliograph/service';
import { type OpenedPayload, openPayloads } from '../payloads/open-payloads.ts';
import { isStorageReference } from '../payloads/storage-reference.ts';
import { undecodedPayload } from '../payloads/undecoded.ts';
import { type PayloadJson, sameJson, writePayloadJson } from '../wire/payload-json.ts';
import { readPayloads } from '../wire/read-payloads.ts';
import { auditParts, foldWithheld } from './audit-parts.ts';
import { wireOperations } from './operations.ts';
import { unknownBody } from './unknown-body.ts';
import { assertKnownRole, type WireServices } from './wire-services.ts';

type Input = RouteInput<unknown, { readonly strict: 'true' | 'false' }, unknown>;

/** The audit log keeps that many entries of a request as they are, and what is given out is never folded. */
const MAX_ALLOWED_PARTS = 128;

/** `POST …/decode` and `POST …/download`. */
export function addDecodeApi(edge: Edge, services: WireServices): void {
  const { limits, claims } = services;
  edge.route({
    ...wireOperations.decode,
    acceptsPrefix: true,
    accepts: unknownBody,
    handler(input) {
      const policy = services.policy();
      assertKnownRole(policy, input.principal);
      const payloads = readPayloads(input.body, limits.maxPayloads);
      const isPreserving = isTrue(input.query.preserveStorageRefs);
      return answer('decode', payloads, input, { ...services, claims: isPreserving ? null : claims });
    },
  });
  edge.route({
    ...wireOperations.download,
    acceptsPrefix: true,
    accepts: unknownBody,
    handler(input) {
      const policy = services.policy();
      assertKnownRole(policy, input.principal);
      const payloads = readPayloads(input.body, limits.maxPayloads);
      if (!payloads.every(isStorageReference))
        throw problem(400, 'REFERENCE_REQUIRED', 'Every payload has to be a reference to a stored one.');
      if (claims === null && payloads.length > 0)
        throw problem(400, 'CLAIM_STORE_ABSENT', 'This server knows no store of payloads.');
      return answer('download', payloads, input, services);
    },
  });
}

/**
 * Answers with what could be opened. A payload that is not given out is replaced by the reason, so that one of them does
 * not empty a whole page of the Temporal UI; a strict request is refused instead.
 */
async function answer(
  action: 'decode' | 'download',
  payloads: readonly PayloadJson[],
  { principal, query, context, hold, signal }: Input,
  services: WireServices,
) {
  const { keys, limits, claims, trail, metrics } = services;
  const policy = services.policy();
  const results = await openPayloads(payloads, {
    keys,
    policy,
    principal,
    limits,
    claims,
    turns: services.turns,
    onFetch: (count) => services.charge(principal.id, count - 1),
    hold,
    signal,
  });
  const [failed] = results.flatMap((result, index) =>
    result.kind === 'failed' ? [{ ...result.failure, index }] : [],
  );
  const refusal = query.strict === 'true' ? failed : undefined;
  const found = auditParts(results, refusal?.code);
  const isTooMixed = found.filter(({ outcome }) => outcome === 'allowed').length > MAX_ALLOWED_PARTS;
  const parts = isTooMixed ? auditParts(results, 'PAYLOADS_TOO_MANY') : found;
  trail.note(context, foldWithheld(parts));
  metrics.payloads(action, parts);
  if (refusal !== undefined) {
    const { status, code, detail, index } = refusal;
    throw problem(status, code, `Payload ${index}: ${detail}`, {
      members: { index },
      ...(status === 503 ? { retryAfterSeconds: 1 } : {}),
    });
  }
  if (isTooMixed)
    throw problem(
      413,
      'PAYLOADS_TOO_MANY',
      `A request gives out payloads of at most ${MAX_ALLOWED_PARTS} namespaces, domains and keys. Send several.`,
    );
  const answered = payloads.map((json, index) => writeResult(json, results[index]));
  return { status: 200, body: { payloads: answered } } as const;
}

function writeResult(json: PayloadJson, result: OpenedPayload | undefined) {
  switch (result?.kind) {
    case 'passed':
      return sameJson(json);
    case 'opened':
      return writePayloadJson(result.payload);
    case 'failed':
      return undecodedPayload(result.failure);
    case undefined:
      throw new TypeError('a payload has no result');
  }
}

/** As the handler of Temporal's Go SDK reads it: in any case, and anything else is no. */
export function isTrue(value: string | readonly string[] | undefined): boolean {
  const [first] = typeof value === 'string' ? [value] : (value ?? []);
  return first?.toLowerCase() === 'true';
}
