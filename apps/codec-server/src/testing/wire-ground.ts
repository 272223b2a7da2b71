import { createCodec, createKeyRing, type KeyRing } from '@heliograph/codec/codecs';
import type { AuditEntry, AuditLog } from '@heliograph/codec-audit';
import {
  type Authenticator,
  createBearerAuth,
  createLogger,
  listen,
  startTelemetry,
} from '@heliograph/service';
import type { Payload } from '@temporalio/common';
import { type ApiOptions, createApi } from '../api/create-api.ts';
import type { WireLimits } from '../api/wire-services.ts';
import { createMetrics } from '../metrics.ts';
import type { ClaimStore } from '../payloads/storage-reference.ts';
import { parsePolicy } from '../policy/parse-policy.ts';
import { proveKeys } from '../prove-keys.ts';
import { writePayloadJson } from '../wire/payload-json.ts';
import { testKey } from './test-keys.ts';

/** The page that may call. */
export const PAGE = 'https://temporal.example.com';

/** Callers by their only role; each has the key `<role>-key-of-tests`. */
const ROLES = ['developer', 'finance', 'support', 'on-call', 'starter', 'astronaut'] as const;

const POLICY = `
version: 1
elevated:
  - { namespaces: [production], roles: [production-access] }
rules:
  - { roles: [developer], namespaces: [test], domains: ['*'], actions: [decode, encode, download] }
  - { roles: [finance], namespaces: ['*'], domains: [fill], actions: [decode, download] }
  - { roles: [support], namespaces: ['*'], domains: [dispatch], actions: [decode] }
  - { roles: [on-call], namespaces: ['*'], domains: ['*'], actions: [decode, download] }
  - { roles: [starter], namespaces: [test], domains: [dispatch], actions: [encode] }
...
`;

/** Limits of a ground. */
export const LIMITS: WireLimits = {
  maxPayloads: 10_000,
  perPayloadBytes: 65_536,
  perRequestBytes: 262_144,
  maxReferences: 100,
  fetchTimeoutMs: 2000,
};

/** What a ground may have otherwise. */
export interface GroundOptions {
  readonly keys?: KeyRing;
  readonly auth?: Authenticator;
  readonly claims?: ClaimStore | null;
  readonly audit?: AuditLog;
  readonly overrides?: Partial<ApiOptions>;
}

/** An answer of the server, its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are checked by what tests expect of them
  readonly json: any;
}

/** The wire on a free port, with keys of three domains and an audit log in memory. */
export async function startWireGround(options: GroundOptions = {}) {
  const keys =
    options.keys ??
    createKeyRing({
      dispatch: { active: testKey('d2', 2), others: [testKey('d1', 1)] },
      health: { active: testKey('h1', 3), others: [] },
      fill: { active: testKey('f1', 4), others: [testKey('sample', 9, true)] },
    });
  const entries: AuditEntry[] = [];
  const lines: string[] = [];
  const state = { policy: parsePolicy(POLICY, 'policy.yaml') };
  const telemetry = startTelemetry({ serviceName: 'codec-server', version: '1' });
  const logger = createLogger({
    name: 'codec-server',
    destination: { write: (line) => void lines.push(line) },
  });
  const callers = [
    ...ROLES.map((role) => ({ id: role, secret: `${role}-key-of-tests`, scopes: [], roles: [role] })),
    { id: 'ada', secret: 'ada-key-of-tests', scopes: [], roles: ['on-call', 'production-access'] },
    { id: 'nobody', secret: 'nobody-key-of-tests', scopes: ['*'], roles: [] },
  ];
  const edge = createApi({
    edgeOptions: {
      name: 'codec-server',
      version: '1',
      logger,
      telemetry,
      validateResponses: true,
      readiness: [{ name: 'keys', check: () => proveKeys(keys) }],
    },
    auth: { authenticator: options.auth ?? createBearerAuth(callers), mount: () => undefined },
    auditReader: { list: async () => [] },
    audit: options.audit ?? { append: async (added) => void entries.push(...added) },
    keys,
    policy: () => state.policy,
    metrics: createMetrics(
      telemetry.meter,
      () => keys.domains,
      () => false,
    ),
    claims: options.claims ?? null,
    defaultDomain: null,
    cors: {
      origins: [PAGE],
      headers: ['content-type', 'x-namespace', 'authorization', 'authorization-extras'],
    },
    bodyLimitBytes: 1_048_576,
    requestsPerMinute: 100_000,
    auditReadsPerMinute: 100_000,
    bytesInFlight: 64 * 1_048_576,
    limits: LIMITS,
    ...options.overrides,
  });
  const server = await listen(edge, { port: 0 });
  const send = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(server.url + path, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  };
  return {
    url: server.url,
    keys,
    entries,
    lines,
    state,
    send,
    /** Posts payloads as the caller with that role. */
    post: (
      path: string,
      role: string,
      payloads: readonly unknown[],
      headers: Readonly<Record<string, string>> = {},
    ): Promise<Answer> =>
      send(path, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${role}-key-of-tests`,
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify({ payloads }),
      }),
    metrics: () => telemetry.prometheusText(),
    async close() {
      await server.stop(0);
      await telemetry.shutdown();
    },
  };
}

/** A value as an SDK makes a payload of it. */
export function jsonPayload(value: unknown): Payload {
  return { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(JSON.stringify(value)) };
}

/** A value, encrypted for a namespace and a domain, as it is sent. */
export async function encrypted(
  keys: KeyRing,
  { namespace = 'test', domain = 'dispatch' }: { readonly namespace?: string; readonly domain?: string },
  value: unknown,
) {
  const [payload] = await createCodec({ keys, namespace, domain }).encode([jsonPayload(value)]);
  return writePayloadJson(payload ?? {});
}

/** The value of a payload as it was answered. */
export function valueOf(payload: { readonly data: string }): unknown {
  return JSON.parse(Buffer.from(payload.data, 'base64').toString());
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
