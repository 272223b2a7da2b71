import { expect, test } from '@jest/globals';
import { dynamicConfig, dynamicConfigArguments, dynamicConfigYaml, serverYaml } from './temporal-config.ts';

const PORTS = {
  frontend: 1,
  frontendHttp: 2,
  frontendMembership: 3,
  matching: 4,
  matchingMembership: 5,
  history: 6,
  historyMembership: 7,
  worker: 8,
  workerMembership: 9,
};

test('only tests skip time', () => {
  expect(dynamicConfig('test')['frontend.WorkflowTimeSkippingEnabled']).toBe(true);
  expect(dynamicConfig('local')['frontend.WorkflowTimeSkippingEnabled']).toBeUndefined();
});

test('only tests have one partition per task queue, so that an order can be tested', () => {
  for (const kind of ['Read', 'Write']) {
    const key = `matching.numTaskqueue${kind}Partitions`;
    expect([dynamicConfig('test')[key], dynamicConfig('local')[key]]).toEqual([1, undefined]);
  }
});

test.each([
  ['test', '1ms'],
  ['local', '20ms'],
])('%s shifts timers by %s', (profile, shift) => {
  expect(dynamicConfig(profile === 'test' ? 'test' : 'local')['history.timerProcessorMaxTimeShift']).toBe(
    shift,
  );
});

test.each([
  ['test', '1s'],
  ['local', '10s'],
] as const)('%s looks for pinned runs of replaced builds every %s', (profile, interval) => {
  const config = dynamicConfig(profile);
  expect(config['matching.wv.VersionDrainageStatusVisibilityGracePeriod']).toBe(interval);
  expect(config['matching.wv.VersionDrainageStatusRefreshInterval']).toBe(interval);
});

test('a dynamic configuration is a list of values per key', () => {
  expect(dynamicConfigYaml({ 'a.b': true, c: '1ms' })).toBe('a.b:\n  - value: true\nc:\n  - value: 1ms\n');
});

test('the same is JSON on a command line', () => {
  expect(dynamicConfigArguments({ 'a.b': true, c: '1ms' })).toEqual([
    '--dynamic-config-value',
    'a.b=true',
    '--dynamic-config-value',
    'c="1ms"',
  ]);
});

test('the server has one connection to its file, without a lifetime, and every port once', () => {
  const yaml = serverYaml({ ports: PORTS, databaseFile: '/with "quote"/db', dynamicConfigFile: '/d' });
  expect(yaml.match(/maxConns: 1\n/g)).toHaveLength(2);
  expect(yaml).not.toContain('maxConnLifetime');
  expect(yaml).toContain(String.raw`databaseName: "/with \"quote\"/db"`);
  for (const port of Object.values(PORTS)) expect(yaml).toMatch(new RegExp(`Port: ${port}[, ]`));
});

test('clients need a certificate where the server is told so', () => {
  const files = { databaseFile: '/db', dynamicConfigFile: '/d' };
  expect(serverYaml({ ports: PORTS, ...files })).not.toContain('tls:');
  const tls = {
    serverName: 'temporal.test',
    caFile: '/ca',
    certFile: '/crt',
    keyFile: '/key',
    clientCertFile: '/own "crt"',
    clientKeyFile: '/own-key',
  };
  const yaml = serverYaml({ ports: PORTS, ...files, tls });
  expect(yaml).toContain('requireClientAuth: true, clientCaFiles: ["/ca"]');
  expect(yaml).toContain(String.raw`certFile: "/own \"crt\""`);
  expect(yaml.match(/serverName: "temporal.test", rootCaFiles: \["\/ca"\]/g)).toHaveLength(2);
});
