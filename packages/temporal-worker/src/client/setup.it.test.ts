import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { temporal } from '@temporalio/proto';
import { freshName, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { connectClient, assertServerVersion } from './connect.ts';
import { assertNamespace } from './namespace.ts';
import { assertSearchAttributes, SEARCH_ATTRIBUTES } from './search-attributes.ts';

let ground: FreshNamespace;
beforeAll(async () => {
  ground = await freshNamespace('setup');
});
afterAll(async () => {
  await ground.close();
});

const newName = (): string => freshName('setup').replaceAll('_', '-');
/** Both kinds of connection have the same raw services. */
const connections = ['connection', 'nativeConnection'] as const;

describe('a namespace', () => {
  test.each(connections)('that is there is fine (%s)', async (kind) => {
    await expect(assertNamespace(ground[kind], ground.namespace)).resolves.toBeUndefined();
  });

  test.each(connections)('that is missing is refused with the command that makes it (%s)', async (kind) => {
    const name = newName();
    await expect(assertNamespace(ground[kind], name)).rejects.toMatchObject({
      code: 'TEMPORAL_NAMESPACE_MISSING',
      retryable: false,
      message: expect.stringContaining(`temporal operator namespace create -n ${name}`),
    });
  });

  test.each(connections)(
    'that is missing is made where that is asked for, and can be used at once (%s)',
    async (kind) => {
      const name = newName();
      await assertNamespace(ground[kind], name, { create: true, retentionDays: 2 });
      const described = await ground.connection.workflowService.describeNamespace({ namespace: name });
      expect(Number(described.config?.workflowExecutionRetentionTtl?.seconds)).toBe(2 * 86_400);
      await expect(assertSearchAttributes(ground[kind], name, { create: true })).resolves.toBeUndefined();
    },
  );

  test('is made once by many processes at once', async () => {
    const name = newName();
    await expect(
      Promise.all(
        Array.from({ length: 4 }, () => assertNamespace(ground.connection, name, { create: true })),
      ),
    ).resolves.toHaveLength(4);
  });
});

describe('search attributes', () => {
  test('that are missing are each named', async () => {
    const name = newName();
    await assertNamespace(ground.connection, name, { create: true });
    const refusal = await assertSearchAttributes(ground.connection, name).then(
      () => '',
      (error: unknown) => String(error),
    );
    for (const attribute of Object.keys(SEARCH_ATTRIBUTES))
      expect(refusal).toContain(`${attribute} is missing`);
  });

  test('that have another type are refused, even if missing ones are created', async () => {
    const name = newName();
    await assertNamespace(ground.connection, name, { create: true });
    await ground.connection.operatorService.addSearchAttributes({
      namespace: name,
      searchAttributes: { HeliographRoute: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_INT },
    });
    await expect(assertSearchAttributes(ground.connection, name, { create: true })).rejects.toMatchObject({
      code: 'TEMPORAL_SEARCH_ATTRIBUTES',
      message: expect.stringContaining('HeliographRoute has another type'),
    });
  });

  test('are made once by many processes at once', async () => {
    const name = newName();
    await assertNamespace(ground.connection, name, { create: true });
    await Promise.all(
      Array.from({ length: 4 }, () => assertSearchAttributes(ground.connection, name, { create: true })),
    );
    await expect(assertSearchAttributes(ground.connection, name)).resolves.toBeUndefined();
  });
});

test.each(['1.24', '0.99'])('a server of at least %s is there', async (wanted) => {
  await expect(assertServerVersion(ground.connection, wanted)).resolves.toMatch(/^\d+\.\d+\.\d+/);
});

test.each(['1.9999', '2.0'])('a server of at least %s is not', async (wanted) => {
  await expect(assertServerVersion(ground.connection, wanted)).rejects.toMatchObject({
    code: 'TEMPORAL_SERVER_TOO_OLD',
    retryable: false,
  });
});

test('a client connects to a server that runs', async () => {
  const connection = await connectClient({ address: ground.address });
  await expect(assertServerVersion(connection, '1.24')).resolves.toMatch(/^1\./);
  await connection.close();
});
