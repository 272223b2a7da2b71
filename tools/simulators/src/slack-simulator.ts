import { createFaultPlayer, type Fault, type FaultScript } from './fault-script.ts';
import { parseJson, startLoopbackServer } from './loopback-server.ts';
import { playFault } from './play-fault.ts';
import { seededRandom } from './random.ts';
import { checkSlackPayload, type SlackPayload } from './slack-payload.ts';

/** One message that was posted to the webhook, taken or not. */
export interface SlackRecord {
  /** Counts from 1, in the order in which the bodies were complete. */
  readonly order: number;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** The body, or null where it is no payload that Slack takes. */
  readonly payload: SlackPayload | null;
  readonly rawBody: string;
  /** What the simulator did: took it with `ok`, played a fault, or refused it with an error word. */
  readonly answer: 'accepted' | Fault['kind'] | `refused:${string}`;
}

/** What a Slack is started with. */
export interface SlackSimulatorOptions {
  /** Default: any free port. */
  readonly port?: number;
  readonly faults?: FaultScript;
  /** Decides where a fault has a probability; default 1. */
  readonly seed?: number;
  /** Hears of each record as it is made. */
  readonly onRecord?: (record: SlackRecord) => void;
}

/** One incoming webhook of a Slack that remembers every message, in order. */
export interface SlackSimulator {
  /** Where to post: the secret of a connected app. */
  readonly url: string;
  readonly port: number;
  readonly records: readonly SlackRecord[];
  /** Replaces the fault script from the next request on. */
  setFaults(script: FaultScript): void;
  /** Forgets what was received. */
  clear(): void;
  /** Stops, cutting connections. */
  close(): Promise<void>;
}

const TEAM = 'T00000000';
const SERVICE = 'B00000000';
const TOKEN = 'simulated-webhook';
const STATUS_OF_WORD: Readonly<Record<string, number>> = {
  invalid_token: 403,
  no_service: 404,
  no_team: 404,
};

/**
 * Starts a Slack on loopback that has one incoming webhook. A fault of the script comes first: its `streamContains`
 * is searched in the whole body, and its `type` is told by the first word of the message's text. Then the payload is
 * checked as Slack does. A post to another address is answered with Slack's word for it and not recorded.
 */
export async function startSlackSimulator(options: SlackSimulatorOptions = {}): Promise<SlackSimulator> {
  const random = seededRandom(options.seed ?? 1);
  let play = createFaultPlayer(options.faults ?? [], random);
  let order = 0;
  let records: SlackRecord[] = [];
  const server = await startLoopbackServer(options.port, ({ request, response, rawBody }) => {
    const say = (word: string): void => {
      const status = word === 'ok' ? 200 : (STATUS_OF_WORD[word] ?? 400);
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(word);
    };
    if (request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    const unknown = wrongIn(request.url ?? '');
    if (unknown !== null) return say(unknown);
    const isJson = request.headers['content-type']?.startsWith('application/json') === true;
    const checked = isJson ? checkSlackPayload(parseJson(rawBody)) : 'invalid_payload';
    const payload = typeof checked === 'string' ? null : checked;
    const fault = play({ streamId: rawBody, type: typeOf(payload?.text) });
    const refusal = typeof checked === 'string' ? checked : null;
    const record: SlackRecord = {
      order: ++order,
      receivedAt: Date.now(),
      payload,
      rawBody,
      answer: fault?.kind ?? (refusal === null ? 'accepted' : `refused:${refusal}`),
    };
    records.push(record);
    options.onRecord?.(record);
    playFault(fault, request, response, () => say(refusal ?? 'ok'));
  });
  return {
    url: `http://127.0.0.1:${server.port}/services/${TEAM}/${SERVICE}/${TOKEN}`,
    port: server.port,
    get records() {
      return records;
    },
    setFaults(script) {
      play = createFaultPlayer(script, random);
    },
    clear() {
      records = [];
    },
    close: () => server.close(),
  };
}

/** Slack's word for an address that has no webhook, or null for the one that has. */
function wrongIn(path: string): string | null {
  const [, root, team, service, token, ...more] = path.split('/');
  if (root !== 'services' || team !== TEAM) return 'no_team';
  if (service !== SERVICE) return 'no_service';
  return token === TOKEN && more.length === 0 ? null : 'invalid_token';
}

/** The type of notification that a message is about, as the generic webhook calls it. */
function typeOf(text = ''): string {
  if (/^(?:resolved|closed)\b/i.test(text)) return 'alert.resolved';
  return /^still\b/i.test(text) ? 'alert.updated' : 'alert.triggered';
}
