import { setTimeout as sleep } from 'node:timers/promises';
import { createAlertStorm, pick, seededRandom, startNotificationSink } from '@heliograph/simulators';

/**
 * @typedef {object} DemoOptions
 * @property {string} apiUrl
 * @property {string} apiKey
 * @property {string} webhookSecret
 * @property {number} sinkPort
 * @property {number} seed
 * @property {(line: string) => void} print
 * @property {AbortSignal} signal
 */

/** How many things may break at once, and how often one of them changes. */
const SUBJECTS = 12;
const PAUSE_MS = 2500;

/**
 * Shows the Dispatch Center at work: a webhook receiver, a route to it, and a small storm of alerts. Prints one line
 * per notification.
 * @param {DemoOptions} options
 * @returns {Promise<{ stop(): Promise<void> }>}
 */
export async function startDispatchDemo(options) {
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
      if (!isHinted) options.print(hint(options.apiUrl, body.issue.fingerprint));
      isHinted = true;
    },
  });
  /** @type {Map<string, number>} */
  const storedAt = new Map();
  const call = caller(options);
  const app = await ensure(call, '/api/v1/connected-apps', 'demo webhook', {
    provider: 'webhook',
    settings: { url: sink.url },
    secret: options.webhookSecret,
  });
  await ensure(call, '/api/v1/routes', 'demo route', { query: 'team:*', connectedAppIds: [app.id] });
  const running = storm(call, options, storedAt);
  return {
    async stop() {
      await running;
      await sink.close();
    },
  };
}

/** @param {string} apiUrl @param {string} fingerprint */
function hint(apiUrl, fingerprint) {
  const address = apiUrl === 'http://127.0.0.1:4600' ? '' : `HELIOGRAPH_API_URL=${apiUrl} `;
  const key = 'HELIOGRAPH_API_KEY=$(cat .heliograph/secrets/dispatch-center-api-key)';
  return `why? ${address}${key} npx heliograph explain alert ${fingerprint}`;
}

/**
 * @param {(method: string, path: string, body?: unknown) => Promise<any>} call
 * @param {DemoOptions} options
 * @param {Map<string, number>} storedAt
 */
async function storm(call, { seed, signal, print }, storedAt) {
  const random = seededRandom(seed);
  const subjects = createAlertStorm({ seed, subjects: SUBJECTS });
  /** @type {Set<string>} */
  const firing = new Set();
  while (!signal.aborted) {
    const subject = pick(random, subjects);
    const isFiring = firing.has(subject.fingerprint);
    const issue = subject.issue(isFiring ? 'resolved' : 'firing', Date.now());
    storedAt.set(issue.eventId, Date.now());
    if (storedAt.size > 1000) storedAt.clear();
    try {
      await call('POST', '/api/v1/issues', issue);
      if (isFiring) firing.delete(subject.fingerprint);
      else firing.add(subject.fingerprint);
    } catch (error) {
      print(`the demo could not store an issue: ${error instanceof Error ? error.message : String(error)}`);
    }
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Creates something by name, or brings what an earlier start created up to date.
 * @param {(method: string, path: string, body?: unknown) => Promise<any>} call
 * @param {string} path
 * @param {string} name
 * @param {object} body
 */
async function ensure(call, path, name, body) {
  const { items } = await call('GET', `${path}?limit=200`);
  const known = items.find((/** @type {{ name: string }} */ item) => item.name === name);
  return known === undefined
    ? call('POST', path, { name, ...body })
    : call('PUT', `${path}/${known.id}`, { name, ...body });
}

/**
 * @param {DemoOptions} options
 * @returns {(method: string, path: string, body?: unknown) => Promise<any>}
 */
function caller({ apiUrl, apiKey }) {
  return async (method, path, body) => {
    const response = await fetch(apiUrl + path, {
      method,
      signal: AbortSignal.timeout(10_000),
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}`);
    return response.json();
  };
}
