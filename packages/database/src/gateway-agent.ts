import { Agent as HttpAgent, type AgentOptions, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

/** What a balancer says for a server that is away, too slow or too busy. */
const TRANSIENT = new Set([429, 502, 503, 504]);

/**
 * Creates an agent whose requests fail with the code `HTTP_502` and the like where something between us and the server
 * answers for it. The client of ClickHouse makes an error of the body alone, from which the status cannot be told.
 */
export function createGatewayAgent(protocol: string, options: AgentOptions): HttpAgent {
  const agent = protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  // Not in Node's types, but what every agent is made of: packages such as agent-base override it as well.
  const addRequest: unknown = Reflect.get(agent, 'addRequest');
  if (typeof addRequest !== 'function') throw new TypeError('this Node has agents without addRequest');
  Reflect.set(agent, 'addRequest', (request: ClientRequest, ...rest: readonly unknown[]): void => {
    request.prependOnceListener('response', (response: IncomingMessage) => {
      if (!TRANSIENT.has(response.statusCode ?? 0)) return;
      const code = `HTTP_${response.statusCode}`;
      request.destroy(Object.assign(new Error(`a gateway answered ${response.statusCode}`), { code }));
    });
    Reflect.apply(addRequest, agent, [request, ...rest]);
  });
  return agent;
}
