import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';

/** The Dispatch Center in the embedded stack: its API, its worker, and a demo that shows notifications. */
const folder = fileURLToPath(new URL('.', import.meta.url));

/**
 * The key with which the demo and the benchmark speak to the API.
 * @param {import('@heliograph/stack').AppContext} context
 */
const apiKey = (context) => context.secret('dispatch-center-api-key');

/**
 * @param {import('@heliograph/stack').AppContext} context
 * @param {string} role
 * @param {number} port
 * @param {Record<string, string>} [more]
 * @returns {import('@heliograph/stack').ProcessSpec}
 */
const processOf = (context, role, port, more = {}) => ({
  name: `dispatch-center-${role}`,
  command: process.execPath,
  args: ['dist/main.js', role],
  cwd: folder,
  readyUrl: `http://127.0.0.1:${port}/readyz`,
  url: `http://127.0.0.1:${port}`,
  what: `Dispatch Center, ${role}`,
  env: {
    ...context.env,
    HELIOGRAPH_HTTP_PORT: String(port),
    HELIOGRAPH_SEALING_KEYS: `local:${context.secret('sealing-key')}`,
    HELIOGRAPH_TEMPORAL_SETUP: 'true',
    // The demo's receivers are on loopback.
    HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: 'true',
    ...more,
  },
});

/** @type {import('@heliograph/stack').AppDefinition} */
export default {
  name: 'dispatch-center',
  order: 10,
  async processes(context) {
    const [api, worker, metrics] = await Promise.all([
      context.port('DISPATCH_API', 4600),
      context.port('DISPATCH_WORKER', 4601),
      context.port('DISPATCH_WORKER_METRICS', 4602),
    ]);
    return [
      processOf(context, 'worker', worker, { HELIOGRAPH_WORKER_METRICS_PORT: String(metrics) }),
      processOf(context, 'api', api, { HELIOGRAPH_API_KEYS: `local:${apiKey(context)}:*` }),
    ];
  },
  async demo(context) {
    const { startDispatchDemo } = await import('./demo/dispatch-demo.js');
    return startDispatchDemo({
      apiUrl: `http://127.0.0.1:${await context.port('DISPATCH_API', 4600)}`,
      apiKey: apiKey(context),
      webhookSecret: `whsec_${Buffer.from(context.secret('demo-webhook'), 'base64url').toString('base64')}`,
      sinkPort: await context.port('DEMO_SINK', 4610),
      print: context.print,
      signal: context.signal,
      seed: randomBytes(4).readUInt32BE(),
    });
  },
};
