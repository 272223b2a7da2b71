import type { PayloadCodec } from '@temporalio/common';
import * as v from 'valibot';

/** A codec server, and who asks it. */
export interface RemoteCodecOptions {
  readonly url: URL;
  readonly namespace: string;
  readonly key: string | null;
  /** How long to wait for one answer, in milliseconds. */
  readonly timeoutMs: number;
}

const base64 = v.pipe(v.string(), v.base64());
const answerSchema = v.object({
  payloads: v.array(
    v.object({ metadata: v.optional(v.record(v.string(), base64), {}), data: v.optional(base64, '') }),
  ),
});
const problemSchema = v.object({ code: v.string(), detail: v.optional(v.string(), '') });

/**
 * Decodes payloads by a codec server, which checks rights and writes down who read. It encodes nothing: what is to be encoded
 * is passed on as it is.
 */
export function createRemoteCodec({ url, namespace, key, timeoutMs }: RemoteCodecOptions): PayloadCodec {
  const endpoint = new URL(`${url.pathname.replace(/\/$/, '')}/decode?strict=true`, url);
  return {
    encode: async (payloads) => payloads,
    async decode(payloads) {
      if (payloads.length === 0) return payloads;
      const response = await fetch(endpoint, {
        method: 'POST',
        // The key is for this server, not for where it might send us.
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          'content-type': 'application/json',
          'x-namespace': namespace,
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        },
        body: JSON.stringify({
          payloads: payloads.map(({ metadata, data }) => ({
            metadata: Object.fromEntries(
              Object.entries(metadata ?? {}).map(([name, value]) => [name, toBase64(value)]),
            ),
            data: toBase64(data ?? new Uint8Array()),
          })),
        }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(refusal(response.status, text));
      const answer = v.safeParse(answerSchema, parseJson(text));
      if (!answer.success || answer.output.payloads.length !== payloads.length)
        throw new Error('the codec server answered something else than the payloads');
      return answer.output.payloads.map(({ metadata, data }) => ({
        metadata: Object.fromEntries(
          Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')]),
        ),
        data: Buffer.from(data, 'base64'),
      }));
    },
  };
}

function refusal(status: number, text: string): string {
  const problem = v.safeParse(problemSchema, parseJson(text));
  return problem.success
    ? `the codec server refused: ${problem.output.code}: ${problem.output.detail}`
    : `the codec server refused with HTTP ${status}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
