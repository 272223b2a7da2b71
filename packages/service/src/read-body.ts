import { problem } from './problem.ts';

/**
 * Reads a request's body as JSON, never more than `limitBytes` of it.
 *
 * @throws Problem 415 BODY_NOT_JSON_TYPE, 413 BODY_TOO_LARGE, 400 BODY_NOT_JSON, 400 BODY_INCOMPLETE
 */
export async function readJsonBody(
  request: Request,
  limitBytes: number,
): Promise<{ readonly bytes: Uint8Array; readonly value: unknown }> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!/^application\/(?:[a-z0-9.+-]+\+)?json$/.test(type)) {
    throw problem(415, 'BODY_NOT_JSON_TYPE', 'Send the body as application/json.', {
      headers: { accept: 'application/json' },
    });
  }
  const bytes = await readBytes(request, limitBytes);
  try {
    return { bytes, value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch {
    throw problem(400, 'BODY_NOT_JSON', 'The body is not valid JSON in UTF-8.');
  }
}

async function readBytes(request: Request, limitBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > limitBytes) throw tooLarge(limitBytes);
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body?.getReader();
  for (;;) {
    const next = await reader?.read().catch(() => {
      throw problem(400, 'BODY_INCOMPLETE', 'The body ended before it was complete.');
    });
    if (next === undefined || next.done) break;
    size += next.value.byteLength;
    if (size > limitBytes) {
      await reader?.cancel();
      throw tooLarge(limitBytes);
    }
    chunks.push(next.value);
  }
  return Buffer.concat(chunks, size);
}

function tooLarge(limitBytes: number): Error {
  return problem(413, 'BODY_TOO_LARGE', `The body is larger than ${limitBytes} bytes.`);
}
