import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Passed to the connector if a host name does not resolve to a public address. */
export class AddressNotAllowedError extends Error {
  override readonly name = 'AddressNotAllowedError';
  readonly code = 'ADDRESS_NOT_ALLOWED';
}

/** The only block that IANA has allocated for global unicast; the forms that embed or translate IPv4 are outside it. */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];
/** Public by its range, but served by the host of a virtual machine: Azure's platform address. */
const PLATFORM_ADDRESSES = new Set(['168.63.129.16']);

/**
 * Whether an IP address is on the public internet. No address of IANA's special-purpose registries is, even if the
 * registry calls it globally reachable, and neither are multicast addresses, IPv6 addresses that embed an IPv4 address
 * (except mapped ones, which count as the IPv4 address), and the metadata addresses of cloud platforms.
 */
export function isPublicAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, '');
  if (!ipaddr.isValid(bare)) return false;
  const parsed = ipaddr.process(bare);
  if (parsed.range() !== 'unicast') return false;
  return parsed instanceof ipaddr.IPv6
    ? parsed.match(GLOBAL_UNICAST)
    : !PLATFORM_ADDRESSES.has(parsed.toString());
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
