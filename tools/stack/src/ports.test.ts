import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTcpServer } from '@heliograph/simulators';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PortBook, configuredPort, isPortFree, portVariable } from './ports.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-ports-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function openBook(taken: readonly number[], random: readonly number[] = []) {
  const numbers = random.values();
  return new PortBook(directory, {
    isFree: async (port) => !taken.includes(port),
    random: () => numbers.next().value ?? 30_000,
  });
}

describe('a port', () => {
  test('is the preferred one when it is free', async () => {
    expect(await openBook([]).port('postgres', { preferred: 15_432 })).toBe(15_432);
  });

  test('is another free one when the preferred one is taken', async () => {
    expect(await openBook([15_432, 20_001], [20_001, 20_002]).port('postgres', { preferred: 15_432 })).toBe(
      20_002,
    );
  });

  test('is remembered by a later book on the same state', async () => {
    await openBook([15_432], [20_002]).port('postgres', { preferred: 15_432 });
    expect(await openBook([]).port('postgres', { preferred: 15_432 })).toBe(20_002);
  });

  test('is chosen anew after it was forgotten', async () => {
    const book = openBook([], [20_001, 20_001, 20_002]);
    await book.port('temporal-http');
    book.forget((name) => name.startsWith('temporal-'));
    expect(await book.port('temporal-http')).toBe(20_002);
  });

  test('is the same whenever the same name asks', async () => {
    const book = openBook([], [20_001, 20_002]);
    expect([
      await book.port('api', { preferred: 4600 }),
      await book.port('api', { preferred: 4600 }),
    ]).toEqual([4600, 4600]);
  });

  test('is never given out twice', async () => {
    const book = openBook([], [20_001, 20_001, 20_002]);
    expect(await Promise.all([book.port('one'), book.port('two')])).toEqual([20_001, 20_002]);
  });

  test('that is configured is used as it is', async () => {
    expect(await openBook([]).port('postgres', { configured: 5555, preferred: 15_432 })).toBe(5555);
  });

  test('that is configured and taken is refused with its number and variable', async () => {
    await expect(openBook([5555]).port('postgres', { configured: 5555 })).rejects.toMatchObject({
      code: 'STACK_PORT_TAKEN',
      message: expect.stringMatching(/^port 5555 .*HELIOGRAPH_POSTGRES_PORT/),
    });
  });
});

test('a damaged file of ports is as good as none', async () => {
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(directory, 'ports.json'), '{"postgres": ');
  expect(await openBook([]).port('postgres', { preferred: 15_432 })).toBe(15_432);
});

test.each([
  ['postgres', 'HELIOGRAPH_POSTGRES_PORT'],
  ['dispatch-center', 'HELIOGRAPH_DISPATCH_CENTER_PORT'],
])('the variable of %s is %s', (name, variable) => {
  expect(portVariable(name)).toBe(variable);
});

test.each([
  [undefined, undefined],
  ['', undefined],
  ['5432', 5432],
])('a configured port %s is %s', (text, port) => {
  expect(configuredPort('postgres', { HELIOGRAPH_POSTGRES_PORT: text })).toBe(port);
});

test.each(['0', '-1', '65536', '1.5', 'http'])('%s is no port', (text) => {
  expect(() => configuredPort('postgres', { HELIOGRAPH_POSTGRES_PORT: text })).toThrow(
    /HELIOGRAPH_POSTGRES_PORT must be a port/,
  );
});

test('a port is free unless something listens on it', async () => {
  const server = await startTcpServer();
  const { port } = server;
  expect(await isPortFree(port)).toBe(false);
  await server.close();
  expect(await isPortFree(port)).toBe(true);
});
