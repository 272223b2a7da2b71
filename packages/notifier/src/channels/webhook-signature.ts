import { createHmac } from 'node:crypto';

/** Secrets are written `whsec_<base64>`; several, separated by spaces, sign while one replaces another. */
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

/** Reads the signing keys out of a secret, or says what is wrong without quoting it. */
export function parseWebhookSecret(secret: string): readonly Buffer[] | string {
  const keys: Buffer[] = [];
  for (const part of secret.trim().split(/\s+/)) {
    const encoded = SECRET.exec(part)?.[1];
    const key = Buffer.from(encoded ?? '', 'base64');
    // Decoding forgives what was cut off; a secret that lost its end must not.
    if (encoded === undefined || unpadded(key.toString('base64')) !== unpadded(encoded)) {
      return 'a webhook secret is written whsec_ and base64';
    }
    if (key.length < MIN_SECRET_BYTES || key.length > MAX_SECRET_BYTES) {
      return `a webhook secret has ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes, this one has ${key.length}`;
    }
    keys.push(key);
  }
  return keys;
}

function unpadded(base64: string): string {
  return base64.replace(/=+$/, '');
}

/** Signs as the Standard Webhooks specification says: `v1,` and base64 HMAC-SHA256 of `id.timestamp.body`, once per key. */
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
