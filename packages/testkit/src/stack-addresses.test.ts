import { expect, test } from '@jest/globals';
import { stackAddresses } from './stack-addresses.ts';

const env = {
  HELIOGRAPH_POSTGRES_URL: 'postgres://h/db',
  HELIOGRAPH_CLICKHOUSE_URL: 'http://h:1',
  HELIOGRAPH_TEMPORAL_ADDRESS: 'h:2',
};

test('addresses come from the environment of the test run', () => {
  expect(stackAddresses(env)).toEqual({
    postgresUrl: 'postgres://h/db',
    clickhouseUrl: 'http://h:1',
    temporalAddress: 'h:2',
  });
});

test.each(Object.keys(env))('without %s it is said how to get servers', (name) => {
  for (const value of [undefined, ''])
    expect(() => stackAddresses({ ...env, [name]: value })).toThrow(
      new RegExp(`${name} is not set: .*npm test.*with-stack`),
    );
});
