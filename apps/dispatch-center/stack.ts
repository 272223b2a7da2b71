import { randomBytes } from 'node:crypto';
import { join, relative } from 'node:path';
import { DISPATCH_DOMAIN } from '@heliograph/dispatch-workflows';
import type { AppDefinition, AppGround, Environment } from '@heliograph/stack';

/** The Dispatch Center on the embedded stack: its worker, its API, and a demo that shows notifications. */

/** The key that opens the API to those who share the stack's state: the demo, benchmarks, `heliograph`. */
const API_KEY = 'dispatch-center-api-key';
const apiKey = ({ secret }: AppGround): string => secret(API_KEY);

const sharedEnv = ({ secret, keyRingFile }: AppGround): Environment => ({
  HELIOGRAPH_CODEC_KEYS_FILE: keyRingFile(DISPATCH_DOMAIN),
  // Histories of a state that is older than its key are plain, and so is what a developer signals by hand.
  HELIOGRAPH_CODEC_MODE: 'permissive',
  // The codec server fetches and collects them.
  HELIOGRAPH_CODEC_CLAIMS: 'postgres',
  HELIOGRAPH_SEALING_KEYS: `local:${secret('sealing-key')}`,
  HELIOGRAPH_TEMPORAL_SETUP: 'true',
  // Receivers of demos and tests are on loopback.
  HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: 'true',
});

export default {
  name: 'dispatch-center',
  order: 10,
  processes: [
    {
      role: 'worker',
      what: 'Dispatch Center, worker',
      args: ['dist/main.js', 'worker'],
      httpPort: { name: 'DISPATCH_WORKER', preferred: 4601 },
      ports: { HELIOGRAPH_WORKER_METRICS_PORT: { name: 'DISPATCH_WORKER_METRICS', preferred: 4602 } },
      env: sharedEnv,
    },
    {
      role: 'api',
      what: 'Dispatch Center, API',
      args: ['dist/main.js', 'api'],
      httpPort: { name: 'DISPATCH_API', preferred: 4600 },
      // No balancer has to notice that it stops.
      env: (ground) => ({
        ...sharedEnv(ground),
        HELIOGRAPH_API_KEYS: `local:${apiKey(ground)}:*`,
        HELIOGRAPH_DRAIN_MS: '0',
      }),
    },
  ],
  demoPorts: ['DEMO_SINK'],
  async demo(context) {
    const { startDispatchDemo } = await import('./demo/dispatch-demo.ts');
    return startDispatchDemo({
      apiUrl: context.url('api'),
      apiKey: apiKey(context),
      apiKeyFile: relative(context.root, join(context.directory, 'secrets', API_KEY)),
      webhookSecret: `whsec_${Buffer.from(context.secret('demo-webhook'), 'base64url').toString('base64')}`,
      sinkPort: await context.port('DEMO_SINK', { preferred: 4610 }),
      print: context.print,
      signal: context.signal,
      seed: randomBytes(4).readUInt32BE(),
    });
  },
} satisfies AppDefinition;
