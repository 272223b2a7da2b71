import { type Server, createServer } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { toDatabaseError } from './classify-error.ts';
import { type ClickHouseNotice, connectClickHouse } from './clickhouse.ts';

let server: Server | undefined;
afterEach(
  () => new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve))),
);

/** What comes of a query and of an insert while something answers with this. */
async function outcomes(status: number, body: string, headers: Record<string, string> = {}) {
  const gateway = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status, headers).end(body));
  });
  server = gateway;
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  const address = gateway.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const notices: ClickHouseNotice[] = [];
  const client = connectClickHouse({
    url: `http://127.0.0.1:${port}`,
    application: 'test',
    onNotice: (notice) => notices.push(notice),
  });
  const caught = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => null,
      (error: unknown) => error,
    );
  const errors = [
    await caught(client.query({ query: 'SELECT 1' })),
    await caught(client.insert({ table: 't', values: [{ a: 1 }], format: 'JSONEachRow' })),
    await caught(client.command({ query: 'SELECT 1' })),
  ];
  await client.close();
  return errors.map((error) => toDatabaseError(error, 'try'));
}

describe('a balancer in front of ClickHouse', () => {
  const CLICKHOUSE = 'Code: 60. DB::Exception: Table t does not exist. (UNKNOWN_TABLE) (version 26.7)';
  test.each<[number, string, string]>([
    [429, 'no body', ''],
    [502, 'HTML', '<html><body>502 Bad Gateway</body></html>'],
    [503, 'text', 'no healthy upstream'],
    [504, 'JSON', '{"message":"upstream timeout"}'],
    [503, 'the body of a ClickHouse error', CLICKHOUSE],
    [502, 'a long body', 'x'.repeat(300_000)],
  ])('that answers %i with %s is unavailable', async (status, _, body) => {
    for (const error of await outcomes(status, body))
      expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true });
  });

  test.each<[number, string, string]>([
    [404, CLICKHOUSE, '60'],
    [500, CLICKHOUSE, '60'],
  ])('that hands on %i of ClickHouse hands on its code', async (status, body, driverCode) => {
    for (const error of await outcomes(status, body))
      expect(error).toMatchObject({ code: 'DATABASE_FAILED', driverCode });
  });

  test('that answers 403 is no outage', async () => {
    for (const error of await outcomes(403, '<html>Forbidden</html>'))
      expect(error).toMatchObject({ code: 'DATABASE_FAILED', retryable: false });
  });
});
