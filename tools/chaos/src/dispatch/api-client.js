import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} ApiClient
 * @property {(path: string, body: object) => Promise<{ id: string, retries: number }>} post repeats for three minutes what was
 *   not answered, or answered with 5xx, until it is acknowledged
 * @property {(path: string) => Promise<unknown>} get the body, or a text that says why there is none
 */

const EVERY_MS = 500;
const GIVE_UP_MS = 180_000;

/**
 * Talks to the real API as a monitor would.
 * @param {{ url: string, key: string, signal: AbortSignal }} options
 * @returns {ApiClient}
 */
export function createApiClient({ url, key, signal }) {
  /**
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<{ status: number, body: unknown }>}
   */
  const ask = async (path, body) => {
    const response = await fetch(url + path, {
      method: body === undefined ? 'GET' : 'POST',
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  return {
    async post(path, body) {
      const deadline = performance.now() + GIVE_UP_MS;
      for (let retries = 0; performance.now() < deadline; retries++) {
        const answer = await ask(path, body).catch(() => null);
        signal.throwIfAborted();
        if (answer !== null && answer.status < 300) {
          return { id: idOf(answer.body), retries };
        }
        if (answer !== null && answer.status < 500)
          throw new Error(`POST ${path} was answered with ${answer.status}`);
        await sleep(EVERY_MS, undefined, { signal });
      }
      throw new Error(`POST ${path} was not taken within ${GIVE_UP_MS / 1000} s`);
    },
    async get(path) {
      let problem = '';
      for (let attempt = 0; attempt < 4; attempt++) {
        if (attempt > 0) await sleep(EVERY_MS, undefined, { signal });
        try {
          const { status, body } = await ask(path);
          if (status === 200) return body;
          problem = `status ${status}`;
          if (status < 500) break;
        } catch (error) {
          signal.throwIfAborted();
          problem = error instanceof Error ? error.message : 'no answer';
        }
      }
      return problem;
    },
  };
}

/** @param {unknown} body */
function idOf(body) {
  return typeof body === 'object' && body !== null && 'id' in body ? String(body.id) : '';
}
