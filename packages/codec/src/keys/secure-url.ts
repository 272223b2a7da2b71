import { CodecError } from '../contract/errors.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Reads the address of a key management service. Data keys come back from it in clear, so it is https, or a proxy on this
 * machine.
 *
 * @throws CodecError CODEC_KEYS_INVALID, without the address, which may hold a password.
 */
export function parseSecureUrl(address: string, id: string): URL {
  const url = URL.parse(address);
  const isSecure = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  if (url !== null && isSecure && url.username === '' && url.password === '') return url;
  throw new CodecError(
    'CODEC_KEYS_INVALID',
    `Key ${id}: the address of its source has to be an https URL without a password, or http on this machine.`,
    { keyId: id },
  );
}
