import { createHmac } from 'node:crypto';

/** A secret is `whsec_<base64>`. During rotation, several secrets separated by spaces all sign. */
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

/** Parses the signing keys of a secret, or returns why it is invalid, without quoting it. */
export function parseWebhookSecret(secret: string): readonly Buffer[] | string {
  const keys: Buffer[] = [];
  for (const part of secret.trim().split(/\s+/)) {
    const encoded = SECRET.exec(part)?.[1];
    const key = Buffer.from(encoded ?? '', 'base64');
    // Decoding accepts truncated base64; a truncated secret must be rejected.
    if (encoded === undefined || stripPadding(key.toString('base64')) !== stripPadding(encoded)) {
      return 'a webhook secret must have the form whsec_<base64>';
    }
    if (key.length < MIN_SECRET_BYTES || key.length > MAX_SECRET_BYTES) {
      return `a webhook secret must have ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes, found ${key.length}`;
    }
    keys.push(key);
  }
  return keys;
}

function stripPadding(base64: string): string {
  return base64.replace(/=+$/, '');
}

/** Signs by the Standard Webhooks specification: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`, once per key. */
export function signWebhook(
  keys: readonly Buffer[],
  id: string,
  timestampSeconds: number,
  body: string,
): string {
  return keys
    .map(
      (key) => `v1,${createHmac('sha256', key).update(`${id}.${timestampSeconds}.${body}`).digest('base64')}`,
    )
    .join(' ');
}
