import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { type ManualClock, manualClock } from './clock.ts';
import { createEdge, type Edge } from './edge.ts';
import { type HttpServer, listen } from './listen.ts';
import { createLogger } from './log.ts';
import { encodeSseEvent, sse, type SseOptions, type SseSink } from './sse.ts';

let server: HttpServer;
let edge: Edge;
let clock: ManualClock;
const logger = createLogger({ name: 'svc', level: 'silent' });

async function start(options: SseOptions): Promise<void> {
  clock = manualClock();
  edge = createEdge({ name: 'svc', version: '0', logger, clock });
  edge.route({
    method: 'GET',
    path: '/events',
    summary: 'x',
    scope: null,
    responses: { 200: { description: 'x', contentType: 'text/event-stream' } },
    handler: (input) => sse(input, options),
  });
  server = await listen(edge, { port: 0 });
}
afterEach(() => server.stop(0));

/** Reads until `enough` says so or the stream ends. */
async function read(headers: Record<string, string>, enough: (seen: Seen) => boolean): Promise<Seen> {
  const abort = new AbortController();
  const response = await fetch(`${server.url}/events`, { headers, signal: abort.signal });
  const seen: Seen = { events: [], comments: [], retryMs: undefined, ended: false, response };
  const parser = createParser({
    onEvent: (event) => seen.events.push(event),
    onComment: (comment) => seen.comments.push(comment),
    onRetry: (retryMs) => {
      seen.retryMs = retryMs;
    },
  });
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  while (!enough(seen)) {
    const next = await reader?.read();
    if (next === undefined || next.done) {
      seen.ended = true;
      break;
    }
    parser.feed(decoder.decode(next.value as Uint8Array, { stream: true }));
  }
  abort.abort();
  return seen;
}
interface Seen {
  readonly events: EventSourceMessage[];
  readonly comments: string[];
  readonly response: Response;
  retryMs: number | undefined;
  ended: boolean;
}

const until = async (condition: () => boolean): Promise<void> => {
  for (let wait = 0; wait < 2000 && !condition(); wait++)
    await new Promise((resolve) => setTimeout(resolve, 2));
};

describe('sse', () => {
  /** A log of ten events that can be followed from any of them. */
  const replay = (sink: SseSink, lastEventId: string | null): (() => void) => {
    for (let id = Number(lastEventId ?? 0) + 1; id <= 10; id++)
      sink.send({ id: String(id), event: 'tick', data: `line ${id}\nmore` });
    return () => undefined;
  };

  test('events arrive whole and in order, and a client that comes back misses nothing', async () => {
    await start({ subscribe: replay, retryMs: 1234 });
    const first = await read({}, ({ events }) => events.length >= 4);
    expect(first.response.headers.get('content-type')).toBe('text/event-stream');
    expect(first.response.headers.get('cache-control')).toBe('no-store');
    expect(first.retryMs).toBe(1234);
    expect(first.events[0]).toEqual({ id: '1', event: 'tick', data: 'line 1\nmore' });
    const second = await read({ 'last-event-id': '4' }, ({ events }) => events.length >= 6);
    expect(second.events.map(({ id }) => id)).toEqual(['5', '6', '7', '8', '9', '10']);
  });

  test('a quiet stream sends comments, a busy one does not', async () => {
    let sink: SseSink | undefined;
    await start({ heartbeatMs: 1000, subscribe: (given) => ((sink = given), () => undefined) });
    const reading = read({}, ({ comments }) => comments.length >= 2);
    await until(() => sink !== undefined && clock.sleepers() === 1);
    clock.advance(900);
    sink?.send({ data: 'busy' });
    clock.advance(100);
    await until(() => clock.sleepers() === 1);
    clock.advance(900);
    await until(() => clock.sleepers() === 1);
    clock.advance(1000);
    const seen = await reading;
    expect(seen.comments).toEqual(['still here', 'still here']);
    expect(seen.events.map(({ data }) => data)).toEqual(['busy']);
  });

  test('the source learns that the client has disconnected', async () => {
    let stopped = 0;
    await start({
      subscribe: (sink) => {
        sink.send({ data: 'hello' });
        return () => void (stopped += 1);
      },
    });
    await read({}, ({ events }) => events.length > 0);
    await until(() => stopped === 1 && clock.sleepers() === 0);
    expect([stopped, clock.sleepers()]).toEqual([1, 0]);
  });

  test('a source may end the stream; what was queued still arrives', async () => {
    let late: boolean | undefined;
    await start({
      subscribe: (sink) => {
        sink.send({ data: 'last' });
        sink.close();
        late = sink.send({ data: 'too late' });
        return () => undefined;
      },
    });
    const seen = await read({}, () => false);
    expect(seen.events.map(({ data }) => data)).toEqual(['last']);
    expect([seen.ended, late]).toEqual([true, false]);
  });

  test('streams end when the service drains, and the server stops without cutting', async () => {
    let stopped = 0;
    await start({ subscribe: () => () => void (stopped += 1) });
    const reading = read({}, () => false);
    await until(() => clock.sleepers() === 1);
    const cut = await server.stop(5000);
    expect((await reading).ended).toBe(true);
    expect([cut, stopped]).toEqual([0, 1]);
  });

  test('a reader that does not read loses the connection, not the memory of the service', async () => {
    let accepted = 0;
    let refused = false;
    await start({
      bufferEvents: 16,
      subscribe: (sink) => {
        const flood = setInterval(() => {
          for (let burst = 0; burst < 8; burst++) {
            if (sink.send({ id: String(accepted), data: 'x'.repeat(64_000) })) accepted += 1;
            else refused = true;
          }
        }, 1);
        return () => clearInterval(flood);
      },
    });
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    socket.pause();
    await until(() => refused);
    expect(refused).toBe(true);
    // What the kernel takes in between is some megabytes; without a bound it would go on for ever.
    expect(accepted).toBeLessThan(1000);
    socket.destroy();
  });

  test('a source that cannot be opened ends the stream', async () => {
    await start({ subscribe: () => Promise.reject(new Error('away')) });
    await expect(read({}, () => false)).resolves.toMatchObject({ ended: true, events: [] });
  });
});

test.each([
  [{ data: 'a' }, 'data: a\n\n'],
  [{ id: '1', event: 'e', data: 'a\r\nb\rc\nd' }, 'id: 1\nevent: e\ndata: a\ndata: b\ndata: c\ndata: d\n\n'],
  [{ data: '' }, 'data: \n\n'],
])('encodes %j', (event, expected) => {
  expect(encodeSseEvent(event)).toBe(expected);
});

test.each([[{ id: '1\ndata: forged', data: '' }], [{ event: 'a\rb', data: '' }], [{ id: 'a\0', data: '' }]])(
  'refuses %j',
  (event) => {
    expect(() => encodeSseEvent(event)).toThrow(RangeError);
  },
);
