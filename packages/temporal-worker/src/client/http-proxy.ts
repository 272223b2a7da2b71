import { BlockList, isIP } from 'node:net';
import { TemporalSetupError } from '../errors.ts';

/** An HTTP proxy that opens tunnels by CONNECT. */
export interface HttpProxy {
  readonly host: string;
  readonly port: number;
  readonly credentials?: { readonly username: string; readonly password: string };
}

/** Environment variables. */
type Env = Readonly<Record<string, string | undefined>>;

const DEFAULT_TEMPORAL_PORT = 7233;
/** The default port of http, which a proxy's URL may leave out. */
const DEFAULT_PROXY_PORT = 80;

/**
 * Decides whether a connection goes through a proxy: HTTPS_PROXY applies to an address with TLS, HTTP_PROXY to one
 * without, neither to loopback, nor to what NO_PROXY lists. Each may be written in lower case, which then wins; an empty
 * one counts as not set.
 *
 * NO_PROXY is a list by commas or spaces of host names, which cover their subdomains, IP addresses and CIDR ranges, each with a
 * port if only that one is meant; `*` is all. A name is not resolved to be compared with a range.
 *
 * @returns null: a direct connection.
 * @throws {TemporalSetupError} TEMPORAL_PROXY_INVALID, naming the variable and never its value.
 */
export function chooseProxy(
  env: Env,
  target: { readonly address: string; readonly isTls: boolean },
): HttpProxy | null {
  const { host, port } = splitAddress(target.address);
  if (isLoopback(host)) return null;
  const noProxy = read(env, 'NO_PROXY')?.value ?? '';
  if (noProxy.split(/[\s,]+/).some((entry) => covers(entry.toLowerCase(), host, port))) return null;
  const variable = read(env, target.isTls ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  return variable === null ? null : parseProxy(variable.name, variable.value);
}

/** A host in lower case and without brackets, and a port. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const [, bracketed, name = '', port] =
    /^(?:\[([^\]]*)\]|([^:]*|.*:.*:.*?))(?::(\d+))?$/.exec(address) ?? [];
  const host = (bracketed ?? name).toLowerCase().replace(/\.$/, '');
  return { host, port: port === undefined ? DEFAULT_TEMPORAL_PORT : Number(port) };
}

/** `host:port`, with brackets around an IPv6 address. */
export function joinAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

function read(env: Env, name: string): { readonly name: string; readonly value: string } | null {
  for (const spelling of [name.toLowerCase(), name]) {
    const value = env[spelling]?.trim() ?? '';
    if (value !== '') return { name: spelling, value };
  }
  return null;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isListed(loopback, host);
}

function isListed(list: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && list.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

/** Whether one entry of NO_PROXY covers a target. An entry that is none of the known forms covers nothing. */
function covers(entry: string, host: string, port: number): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  const range = /^\[?([\da-f.:]+)\]?\/(\d{1,3})$/.exec(entry);
  if (range !== null) return isInRange(range[1] ?? '', Number(range[2]), host);
  if (isIP(entry) !== 0) return isSameAddress(entry, host);
  const [, name = '', onlyPort] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [];
  if (onlyPort !== undefined && Number(onlyPort) !== port) return false;
  const bare = name.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0) return isSameAddress(bare, host);
  const domain = bare.replace(/^\*?\./, '').replace(/\.$/, '');
  return domain !== '' && (host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`)));
}

function isInRange(network: string, prefix: number, host: string): boolean {
  const version = isIP(network);
  if (version === 0 || prefix > (version === 6 ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, version === 6 ? 'ipv6' : 'ipv4');
  return isListed(list, host);
}

/** IPv6 addresses have many spellings. */
function isSameAddress(one: string, other: string): boolean {
  const list = new BlockList();
  list.addAddress(one, isIP(one) === 6 ? 'ipv6' : 'ipv4');
  return isListed(list, other);
}

function parseProxy(name: string, value: string): HttpProxy {
  const refuse = (problem: string): never => {
    throw new TemporalSetupError('TEMPORAL_PROXY_INVALID', `${name}: ${problem}`);
  };
  const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`);
  if (url === null || Number(url.port || DEFAULT_PROXY_PORT) === 0)
    return refuse('expected a URL such as http://proxy:3128');
  if (url.protocol !== 'http:') {
    const scheme = url.protocol.slice(0, -1);
    return refuse(`the Temporal SDK reaches proxies over http only, and this is ${scheme}`);
  }
  const proxy = {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PROXY_PORT : Number(url.port),
  };
  if (url.username === '' && url.password === '') return proxy;
  const username = decode(url.username);
  const password = decode(url.password);
  if (username === null || password === null)
    return refuse('the user or the password is not percent-encoded correctly');
  if (username.includes(':')) return refuse('a user with a colon cannot be sent with basic authentication');
  return { ...proxy, credentials: { username, password } };
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
