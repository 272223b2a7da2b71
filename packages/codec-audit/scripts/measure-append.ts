/**
 * Measures the audit log against single inserts without a chain, on the PostgreSQL of the stack:
 * `npm run with-stack -- node -C @heliograph/source packages/codec-audit/scripts/measure-append.ts`.
 */
import { connectPostgres } from '@heliograph/database';
import { freshPostgres } from '@heliograph/testkit';
import { verifyChain } from '../src/index.ts';
import { createAuditLog, createAuditReader, migrateAudit } from '../src/store/index.ts';
import { entryOf } from '../src/testing/entries.ts';

const REQUESTS = 20_000;
const database = await freshPostgres('measure-audit');
const pools = Array.from({ length: 4 }, () =>
  connectPostgres({ url: database.url, applicationName: 'measure-audit' }),
);
const [pg] = pools;
if (pg === undefined) throw new RangeError('no pool');
await migrateAudit(pg);
await pg.sql`create table plain (like codec_audit.entries including all)`;

/** Runs requests in lanes and prints how many a second, and how long one waits. */
async function measure(what: string, lanes: number, request: (number: number) => Promise<unknown>) {
  const waits: number[] = [];
  let next = 0;
  const began = performance.now();
  const lane = async () => {
    while (next < REQUESTS) {
      const number = next++;
      const asked = performance.now();
      await request(number);
      waits.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const seconds = (performance.now() - began) / 1000;
  waits.sort((left, right) => left - right);
  const at = (share: number) => (waits[Math.floor(waits.length * share)] ?? 0).toFixed(1);
  process.stdout.write(
    `${what.padEnd(44)} ${Math.round(REQUESTS / seconds)}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms\n`,
  );
}

const logs = pools.map((pool) => createAuditLog({ pg: pool, lockWaitMs: 30_000 }));
const append = (number: number, count: number) =>
  logs[number % count]?.append([entryOf({ requestId: `request-${number}` })]) ?? Promise.resolve();
for (const lanes of [1, 10, 64])
  await measure(`audit log, one pool, ${lanes} at once`, lanes, (number) => append(number, 1));
for (const lanes of [10, 64])
  await measure(`audit log, four pools, ${lanes} at once`, lanes, (number) => append(number, 4));
for (const lanes of [1, 10, 64]) {
  await measure(`single inserts, one pool, ${lanes} at once`, lanes, (number) => {
    const { at, requestId, subject, action, namespace, domain, keyId, count, outcome } = entryOf({
      requestId: `request-${number}`,
    });
    return pg.sql`
      insert into plain (sequence, at, request_id, subject, action, namespace, domain, key_id, count, outcome,
                         previous_hash, hash)
      values (${number + lanes * 1_000_000}, ${at}, ${requestId}, ${subject}, ${action}, ${namespace}, ${domain}, ${keyId},
              ${count}, ${outcome}, ${new Uint8Array(32)}, ${new Uint8Array(32)})`;
  });
}
const began = performance.now();
const report = await verifyChain(createAuditReader({ pg }).readAll());
const seconds = (performance.now() - began) / 1000;
const [size] = await pg.sql<
  { bytes: string }[]
>`select pg_total_relation_size('codec_audit.entries') as bytes`;
process.stdout.write(
  `verified: ${report.kind}, ${Math.round(report.head.sequence / seconds)} entries/s; ` +
    `${Math.round(Number(size?.bytes) / report.head.sequence)} bytes an entry, indexes included\n`,
);
for (const pool of pools) await pool.close();
await database.drop();
