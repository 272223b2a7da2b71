/** A key ring in JSON that has one key, of a domain. */
export function keyRing(domain: string): string {
  const key = { id: 'k1', key: Buffer.alloc(32, 4).toString('base64url') };
  return JSON.stringify({ domains: { [domain]: { active: key.id, keys: [key] } } });
}
