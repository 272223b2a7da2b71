import { startLoopbackServer } from '@heliograph/simulators';
import { runCli } from '../run-cli.ts';

/** What the API answers: a status and a body, never, or what depends on the request. */
export type Canned =
  | { readonly status: number; readonly body: unknown }
  | 'silence'
  | ((asked: Asked) => { readonly status: number; readonly body: unknown });

/** A request as it came. */
export interface Asked {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
}

/** What a request carried. */
export interface Sent {
  readonly method: string;
  readonly body: unknown;
}

/** A loopback server that answers with what `answers` holds, in order, the last one for ever. */
export async function cannedApi() {
  const asked: Asked[] = [];
  const sent: Sent[] = [];
  let answers: readonly Canned[] = [];
  const server = await startLoopbackServer((response, request) => {
    const url = new URL(request.path, 'http://localhost');
    const canned = answers[Math.min(asked.length, answers.length - 1)];
    const question = {
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      authorization: request.headers.authorization,
    };
    asked.push(question);
    sent.push({ method: request.method, body: request.body === '' ? undefined : JSON.parse(request.body) });
    const answer = typeof canned === 'function' ? canned(question) : canned;
    if (answer === undefined || answer === 'silence') return;
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
    response
      .writeHead(answer.status, { 'content-type': 'application/json', location: '/elsewhere' })
      .end(text);
  });
  return {
    url: server.url,
    asked,
    /** Method and body of each request. */
    sent,
    answer(...next: readonly Canned[]) {
      answers = next;
      asked.length = 0;
      sent.length = 0;
    },
    close: () => server.close(),
  };
}

/** What a command line wrote and how it ended. */
export interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line against a terminal of memory. */
export async function ran(
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly isTty?: boolean;
    readonly columns?: number;
  } = {},
): Promise<Ran> {
  let out = '';
  let err = '';
  const exitCode = await runCli(args, {
    env: options.env ?? {},
    isTty: options.isTty ?? false,
    columns: options.columns,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { exitCode, out, err };
}
