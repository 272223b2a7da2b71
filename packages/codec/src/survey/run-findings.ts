import { classifyPayload, type PayloadClass } from './classify-payload.ts';
import { findPayloads } from './find-payloads.ts';

/** A key that payloads name; `domain` is null in the format of the official samples and in names of stored payloads. */
export interface KeyName {
  readonly domain: string | null;
  readonly keyId: string;
}

/** What the records of one run, or of one schedule, hold. */
export interface Findings {
  /** Where the first plain payload is; null where there is none. */
  readonly plainPlace: string | null;
  /** Whether a failure's message or stack trace is in clear. */
  readonly hasClearText: boolean;
  readonly hasReferences: boolean;
  readonly hasUnreadable: boolean;
  /** By `nameKey`. */
  readonly keys: ReadonlyMap<string, KeyName>;
  /** Whether it names more keys than were kept. */
  readonly isOverflown: boolean;
}

/** Whoever writes to the server chooses the key ids in its payloads: no record may fill the memory with them. */
export const MAX_KEYS = 1000;

export const NO_FINDINGS: Findings = {
  plainPlace: null,
  hasClearText: false,
  hasReferences: false,
  hasUnreadable: false,
  keys: new Map(),
  isOverflown: false,
};

/** Adds what a record holds to what others of the same run held. */
export function addFindings(findings: Findings, record: unknown, root = ''): Findings {
  let { plainPlace, hasClearText, hasReferences, hasUnreadable, isOverflown } = findings;
  const keys = new Map(findings.keys);
  for (const found of findPayloads(record, root)) {
    if (found.kind === 'text') {
      hasClearText = true;
      continue;
    }
    const payload = classifyPayload(found.payload);
    if (payload.kind === 'plain') plainPlace ??= found.place;
    if (payload.kind === 'reference') hasReferences = true;
    if (payload.kind === 'unreadable') hasUnreadable = true;
    const key = keyOf(payload);
    if (key === null) continue;
    const name = nameKey(key);
    if (keys.has(name) || keys.size < MAX_KEYS) keys.set(name, key);
    else isOverflown = true;
  }
  return { plainPlace, hasClearText, hasReferences, hasUnreadable, isOverflown, keys };
}

/** A name of a stored payload says which key made it, and not of which domain. */
function keyOf(payload: PayloadClass): KeyName | null {
  if (payload.kind === 'encrypted') return { domain: payload.envelope.domain, keyId: payload.envelope.keyId };
  return payload.kind === 'reference' && payload.keyId !== null
    ? { domain: null, keyId: payload.keyId }
    : null;
}

/** One text per key: a domain has no space. */
export function nameKey({ domain, keyId }: KeyName): string {
  return `${domain ?? ''} ${keyId}`;
}
