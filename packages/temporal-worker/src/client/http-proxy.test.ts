import { describe, expect, test } from '@jest/globals';
import { chooseProxy, joinAddress, splitAddress } from './http-proxy.ts';

const PROXY = { host: 'proxy.test', port: 3128 };
const https = { HTTPS_PROXY: 'http://proxy.test:3128' };
const target = { address: 'temporal.example.com:7233', isTls: true };

describe('which variable applies', () => {
  test.each<[string, Record<string, string | undefined>, boolean, string | null]>([
    ['none', {}, true, null],
    ['HTTPS_PROXY to TLS', { HTTPS_PROXY: 'http://s:1', HTTP_PROXY: 'http://p:1' }, true, 's'],
    ['HTTP_PROXY to plain', { HTTPS_PROXY: 'http://s:1', HTTP_PROXY: 'http://p:1' }, false, 'p'],
    ['HTTP_PROXY not to TLS', { HTTP_PROXY: 'http://p:1' }, true, null],
    ['HTTPS_PROXY not to plain', { HTTPS_PROXY: 'http://s:1' }, false, null],
    ['lower case', { https_proxy: 'http://l:1' }, true, 'l'],
    ['lower case first', { https_proxy: 'http://l:1', HTTPS_PROXY: 'http://s:1' }, true, 'l'],
    ['not an empty one', { https_proxy: '', HTTPS_PROXY: 'http://s:1' }, true, 's'],
    ['not a blank one', { http_proxy: '  ', HTTP_PROXY: undefined }, false, null],
    ['no_proxy in lower case', { ...https, no_proxy: '*', NO_PROXY: 'x' }, true, null],
    ['not an empty no_proxy', { ...https, no_proxy: '', NO_PROXY: '*' }, true, null],
  ])('%s', (_, env, isTls, host) => {
    expect(chooseProxy(env, { ...target, isTls })?.host ?? null).toBe(host);
  });
});

describe('NO_PROXY', () => {
  test.each<[string, string, boolean]>([
    ['', 'temporal.example.com:7233', false],
    ['*', 'temporal.example.com:7233', true],
    ['temporal.example.com', 'temporal.example.com:7233', true],
    ['example.com', 'temporal.example.com:7233', true],
    ['.example.com', 'temporal.example.com:7233', true],
    ['*.example.com', 'temporal.example.com:7233', true],
    ['.example.com', 'example.com:7233', true],
    ['example.com.', 'temporal.example.com.:7233', true],
    ['Example.COM', 'TEMPORAL.example.com:7233', true],
    ['ample.com', 'temporal.example.com:7233', false],
    ['example.com.evil', 'temporal.example.com:7233', false],
    ['example.com:7233', 'temporal.example.com:7233', true],
    ['example.com:7234', 'temporal.example.com:7233', false],
    ['example.com:7233', 'temporal.example.com', true],
    ['other, example.com', 'temporal.example.com:7233', true],
    ['other example.com', 'temporal.example.com:7233', true],
    [',, ,', 'temporal.example.com:7233', false],
    ['10.1.2.3', '10.1.2.3:7233', true],
    ['10.1.2.3:7233', '10.1.2.3:7233', true],
    ['10.1.2.3:80', '10.1.2.3:7233', false],
    ['1.2.3', '10.1.2.3:7233', false],
    ['2.3', '10.1.2.3:7233', false],
    ['10.0.0.0/8', '10.1.2.3:7233', true],
    ['10.0.0.0/8', '11.1.2.3:7233', false],
    ['10.1.2.3/32', '10.1.2.3:7233', true],
    ['0.0.0.0/0', '10.1.2.3:7233', true],
    ['10.0.0.0/33', '10.1.2.3:7233', false],
    ['10.0.0.0/8', 'temporal.example.com:7233', false],
    ['fd00::/8', '[fd12::1]:7233', true],
    ['fd00::/8', '[fe80::1]:7233', false],
    ['fd12::1', '[FD12:0::1]:7233', true],
    ['[fd12::1]:7233', '[fd12::1]:7233', true],
    ['[fd12::1]:80', '[fd12::1]:7233', false],
    ['a:b:c', 'temporal.example.com:7233', false],
    ['10.0.0.0/x', '10.1.2.3:7233', false],
  ])('%j and %s', (noProxy, address, isDirect) => {
    const proxy = chooseProxy({ ...https, NO_PROXY: noProxy }, { address, isTls: true });
    expect(proxy).toEqual(isDirect ? null : PROXY);
  });

  test.each(['localhost:7233', 'temporal.localhost:7233', '127.0.0.1:7233', '127.9.9.9:7233', '[::1]:7233'])(
    'is not needed for loopback: %s',
    (address) => {
      expect(chooseProxy(https, { address, isTls: true })).toBeNull();
    },
  );
});

describe('the URL of a proxy', () => {
  const credentials = (username: string, password: string) => ({
    ...PROXY,
    credentials: { username, password },
  });
  test.each<[string, object]>([
    ['http://proxy.test:3128', PROXY],
    ['HTTP://proxy.test:3128/', PROXY],
    ['proxy.test:3128', PROXY],
    ['http://proxy.test', { host: 'proxy.test', port: 80 }],
    ['http://[fd12::1]:3128', { host: 'fd12::1', port: 3128 }],
    ['http://u:p@proxy.test:3128', credentials('u', 'p')],
    ['u:p@proxy.test:3128', credentials('u', 'p')],
    ['http://u@proxy.test:3128', credentials('u', '')],
    ['http://d%5Cu:p%40ss%3Aw%C3%B6rd%25@proxy.test:3128', credentials('d\\u', 'p@ss:wörd%')],
  ])('%s', (value, proxy) => {
    expect(chooseProxy({ HTTPS_PROXY: value }, target)).toEqual(proxy);
  });

  test.each<[string, string]>([
    ['https://u:hunter2@proxy.test:3128', 'over http only, and this is https'],
    ['socks5://u:hunter2@proxy.test:1080', 'over http only, and this is socks5'],
    ['http://u:hunter2@', 'expected a URL'],
    ['http://u:hunter2@proxy.test:99999', 'expected a URL'],
    ['http://u:hunter2@proxy.test:0', 'expected a URL'],
    ['http://u:hunter2%zz@proxy.test', 'not percent-encoded correctly'],
    ['http://u%3Av:hunter2@proxy.test', 'a user with a colon'],
  ])('%s is refused with the variable and without the password', (value, problem) => {
    const refused = () => chooseProxy({ https_proxy: value }, target);
    expect(refused).toThrow(expect.objectContaining({ code: 'TEMPORAL_PROXY_INVALID', retryable: false }));
    expect(refused).toThrow(problem);
    expect(refused).toThrow(/^https_proxy: [^\n]+$/);
    expect(refused).not.toThrow('hunter2');
  });

  test('is not read where no proxy is used', () => {
    expect(chooseProxy({ HTTPS_PROXY: 'socks5://x', NO_PROXY: '*' }, target)).toBeNull();
  });
});

test.each<[string, string, number, string]>([
  ['temporal', 'temporal', 7233, 'temporal:7233'],
  ['Temporal.:1', 'temporal', 1, 'temporal:1'],
  ['[FD12::1]:1', 'fd12::1', 1, '[fd12::1]:1'],
  ['[fd12::1]', 'fd12::1', 7233, '[fd12::1]:7233'],
])('the address %s', (address, host, port, joined) => {
  expect(splitAddress(address)).toEqual({ host, port });
  expect(joinAddress({ host, port })).toBe(joined);
});
