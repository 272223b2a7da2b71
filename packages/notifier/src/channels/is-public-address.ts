import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Passed to the connector if a host name does not resolve to a public address. */
class AddressNotAllowedError extends Error {
  override readonly name = 'AddressNotAllowedError';
  readonly code = 'ADDRESS_NOT_ALLOWED';
}

/**
 * Whether an IP address is on the public internet. Private, loopback, link-local, shared, multicast and reserved ranges
 * are not, and neither is an IPv6 address that embeds an IPv4 address outside the public internet.
 */
export function isPublicAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  return ipaddr.isValid(bare) && ipaddr.process(bare).range() === 'unicast';
}

/**
 * A DNS lookup that returns only public addresses. It checks the lookup that the connection itself uses, so a DNS
 * record that changes between a check and the connection (DNS rebinding) cannot bypass it.
 */
export const lookUpPublicAddress: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
    if (error !== null) return callback(error, '', 0);
    const allowed = found.filter(({ address }) => isPublicAddress(address));
    const [first] = allowed;
    if (first === undefined) {
      return callback(
        new AddressNotAllowedError('the host name does not resolve to a public address'),
        '',
        0,
      );
    }
    if (options.all === true) callback(null, allowed);
    else callback(null, first.address, first.family);
  });
};
