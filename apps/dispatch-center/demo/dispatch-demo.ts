import { setTimeout as sleep } from 'node:timers/promises';
import {
  createDispatchClient,
  type ConnectedAppInput,
  type DispatchClient,
  type RouteInput,
} from '@heliograph/dispatch-api';
import { createAlertStorm, pick, seededRandom, startNotificationSink } from '@heliograph/simulators';

export interface DemoOptions {
  readonly apiUrl: string;
  readonly apiKey: string;
  /** Where the key is, for the commands that the demo prints. */
  readonly apiKeyFile: string;
  readonly webhookSecret: string;
  readonly sinkPort: number;
  readonly seed: number;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** How many things may break at once, and how often one of them changes. */
const SUBJECTS = 12;
const PAUSE_MS = 2500;

/**
 * Shows the Dispatch Center at work: a webhook receiver, a route to it, and a small storm of alerts. Prints one line
 * per notification.
 */
export async function startDispatchDemo(options: DemoOptions): Promise<{ stop(): Promise<void> }> {
  let isHinted = false;
  const sink = await startNotificationSink({
    port: options.sinkPort,
    onRecord: ({ receivedAt, body }) => {
      const sentAt = storedAt.get(body.issue.eventId);
      const took = sentAt === undefined ? '' : ` (${receivedAt - sentAt} ms after it was stored)`;
      const { labels, monitor, severity, status } = body.issue;
      options.print(
        `notified ${status} ${severity} ${monitor} ${labels['namespace']}/${labels['pod']}${took}`,
      );
      if (!isHinted) options.print(hint(options, body.issue.fingerprint));
      isHinted = true;
    },
  });
  const storedAt: Map<string, number> = new Map();
  const client = createDispatchClient({ url: options.apiUrl, apiKey: options.apiKey });
  const app = await ensureApp(client, {
    name: 'demo webhook',
    provider: 'webhook',
    settings: { url: sink.url },
    secret: options.webhookSecret,
  });
  await ensureRoute(client, { name: 'demo route', query: 'team:*', connectedAppIds: [app.id] });
  const running = storm(client, options, storedAt);
  return {
    async stop() {
      await running;
      await sink.close();
    },
  };
}

/** Gives the command that explains an alert. */
function hint({ apiUrl, apiKeyFile }: DemoOptions, fingerprint: string): string {
  const address = apiUrl === 'http://127.0.0.1:4600' ? '' : `HELIOGRAPH_API_URL=${apiUrl} `;
  return `why? ${address}HELIOGRAPH_API_KEY=$(cat ${apiKeyFile}) npx heliograph explain alert ${fingerprint}`;
}

async function storm(
  client: DispatchClient,
  { seed, signal, print }: DemoOptions,
  storedAt: Map<string, number>,
): Promise<void> {
  const random = seededRandom(seed);
  const subjects = createAlertStorm({ seed, subjects: SUBJECTS });
  const firing: Set<string> = new Set();
  while (!signal.aborted) {
    const subject = pick(random, subjects);
    const isFiring = firing.has(subject.fingerprint);
    const issue = subject.issue(isFiring ? 'resolved' : 'firing', Date.now());
    storedAt.set(issue.eventId, Date.now());
    if (storedAt.size > 1000) storedAt.clear();
    try {
      await client.storeIssues({ body: issue, signal });
      if (isFiring) firing.delete(subject.fingerprint);
      else firing.add(subject.fingerprint);
    } catch (error) {
      print(`the demo could not store an issue: ${error instanceof Error ? error.message : String(error)}`);
    }
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Creates a connected app, or brings the one of an earlier start up to date. */
async function ensureApp(
  client: DispatchClient,
  wanted: ConnectedAppInput,
): Promise<{ readonly id: string }> {
  const { body } = await client.listConnectedApps({ query: { limit: 200 } });
  const id = body.items.find(({ name }) => name === wanted.name)?.id;
  const saved =
    id === undefined
      ? await client.createConnectedApp({ body: wanted })
      : await client.replaceConnectedApp({ params: { id }, body: wanted });
  return saved.body;
}

/** Creates a route, or brings the one of an earlier start up to date. */
async function ensureRoute(client: DispatchClient, wanted: RouteInput): Promise<void> {
  const { body } = await client.listRoutes({ query: { limit: 200 } });
  const id = body.items.find(({ name }) => name === wanted.name)?.id;
  if (id === undefined) await client.createRoute({ body: wanted });
  else await client.replaceRoute({ params: { id }, body: wanted });
}
