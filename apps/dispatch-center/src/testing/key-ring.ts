/** A key ring in JSON that has one key, of a domain; with `claims` also one that names large payloads. */
export function keyRing(domain: string, { claims = false } = {}): string {
  const key = { id: 'k1', key: Buffer.alloc(32, 4).toString('base64url') };
  const naming = { id: 'c1', key: Buffer.alloc(32, 5).toString('base64url'), use: 'claims' };
  return JSON.stringify({ domains: { [domain]: { active: key.id, keys: claims ? [key, naming] : [key] } } });
}
