import type { Fault } from './fault-script.ts';
import { parseJson } from './loopback-server.ts';
import {
  playFault,
  startProviderSimulator,
  type ProviderSimulator,
  type ProviderSimulatorOptions,
} from './provider-simulator.ts';
import { checkSlackPayload, type SlackPayload } from './slack-payload.ts';

/** One message that was posted to the webhook, accepted or not. */
export interface SlackEntry {
  /** The body, or null if Slack would refuse it. */
  readonly payload: SlackPayload | null;
  readonly rawBody: string;
  /** What the simulator did: accepted it with `ok`, played a fault, or refused it with an error word. */
  readonly answer: 'accepted' | Fault['kind'] | `refused:${string}`;
}
/** A Slack with one incoming webhook; its `url` is the secret of a connected app. */
export type SlackSimulator = ProviderSimulator<SlackEntry>;

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
 * is searched in the whole body, and its `type` follows from the first word of the message's text. Then the payload is
 * checked as Slack does. A post to another address gets Slack's error word for it and is not recorded.
 */
export function startSlackSimulator(
  options: ProviderSimulatorOptions<SlackEntry> = {},
): Promise<SlackSimulator> {
  const path = `/services/${TEAM}/${SERVICE}/${TOKEN}`;
  return startProviderSimulator(path, options, (request, response, reception) => {
    const { body: rawBody, headers } = request;
    const say = (word: string): void => {
      const status = word === 'ok' ? 200 : (STATUS_OF_WORD[word] ?? 400);
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(word);
    };
    if (request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    const unknown = findWrong(request.path);
    if (unknown !== null) return say(unknown);
    const isJson = headers['content-type']?.startsWith('application/json') === true;
    const checked = isJson ? checkSlackPayload(parseJson(rawBody)) : 'invalid_payload';
    const payload = typeof checked === 'string' ? null : checked;
    const refusal = typeof checked === 'string' ? checked : null;
    const fault = reception.pickFault({ streamId: rawBody, type: typeOf(payload?.text) });
    const answer = fault?.kind ?? (refusal === null ? 'accepted' : (`refused:${refusal}` as const));
    reception.record({ payload, rawBody, answer });
    playFault(fault, response, () => say(refusal ?? 'ok'));
  });
}

/** Finds Slack's error word for an address that has no webhook; null for the one that has. */
function findWrong(path: string): string | null {
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
