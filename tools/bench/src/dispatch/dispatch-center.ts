import { createDispatchClient, type DispatchClient } from '@heliograph/dispatch-api';
import { describeProcesses, loadApp, type Stack } from '@heliograph/stack';
import { WEBHOOK_SECRET } from './bench-ground.ts';

/** The real API and worker, as processes of their own. */
export interface DispatchCenter {
  /** Sends each request once. */
  readonly client: DispatchClient;
  stop(): Promise<void>;
}

/** Starts an API and a worker in databases of their own, with one route that takes every issue to one receiver. */
export async function startDispatchCenter(
  root: string,
  stack: Stack,
  name: string,
  receiverUrl: string,
): Promise<DispatchCenter> {
  const specs = await describeProcesses(await loadApp(root, 'dispatch-center'), stack, {
    env: {
      HELIOGRAPH_CLICKHOUSE_DATABASE: name,
      HELIOGRAPH_TEMPORAL_NAMESPACE: name,
      HELIOGRAPH_LOG_LEVEL: 'error',
    },
    processes: [
      { role: 'worker', name: `${name}-worker` },
      { role: 'api', name: `${name}-api` },
    ],
  });
  const processes = await stack.run(specs);
  try {
    const client = createDispatchClient({
      url: specs.find(({ role }) => role === 'api')?.url ?? '',
      apiKey: stack.secret('dispatch-center-api-key'),
      maxAttempts: 1,
    });
    const settings = { url: receiverUrl };
    const app = await client.createConnectedApp({
      body: { name, provider: 'webhook', settings, secret: WEBHOOK_SECRET },
    });
    const query = `label.block:${name}`;
    await client.createRoute({ body: { name, query, connectedAppIds: [app.body.id] } });
    return { client, stop: () => processes.stop() };
  } catch (error) {
    await processes.stop();
    throw error;
  }
}
