import {
  ACTIVITY_CLASSES,
  type ClassUse,
  ERROR_TABLE,
  WORKFLOW_CLASSES,
} from '@heliograph/temporal-worker/policies';
import { CliError } from '../errors.ts';
import { measureClasses } from '../measure-classes.ts';
import { renderTimeouts } from '../render-timeouts.ts';
import type { Command } from './command.ts';

const TIMEOUT_MS = 15_000;
const MAX_BYTES = 32_000_000;

/** Of whom the command knows the classes. Loaded when it runs, because other commands need none of it. */
async function loadSources(): Promise<
  readonly { readonly name: string; readonly uses: readonly ClassUse[] }[]
> {
  const { MAINTENANCE_CLASS_USES } = await import('@heliograph/codec-maintenance');
  const { DISPATCH_CLASS_USES } = await import('@heliograph/dispatch-workflows');
  return [
    { name: 'Dispatch Center', uses: DISPATCH_CLASS_USES },
    { name: 'Codec maintenance', uses: MAINTENANCE_CLASS_USES },
    {
      name: 'Standard classes',
      uses: Object.values(ACTIVITY_CLASSES).map((policy) => ({ policy, activityTypes: [] })),
    },
  ];
}

/** `heliograph timeouts`. */
export const timeoutsCommand: Command = {
  register: (parser, terminal) =>
    parser.command(
      'timeouts',
      'Print timeouts and retries by use, each with its reason, beside measured latencies',
      (timeouts) =>
        timeouts
          .options({
            json: { type: 'boolean', default: false, describe: 'Print JSON' },
            'metrics-url': {
              type: 'string',
              array: true,
              requiresArg: true,
              describe:
                'The metrics of a worker, such as http://127.0.0.1:9464/metrics; several are added up',
            },
          })
          .example('$0 timeouts --metrics-url http://127.0.0.1:9464/metrics', 'with p50, p95 and p99'),
      async ({ json, metricsUrl }) => {
        const texts = metricsUrl === undefined ? null : await Promise.all(metricsUrl.map(fetchMetrics));
        const sources = (await loadSources()).map(({ name, uses }) => ({
          name,
          classes: measureClasses(uses, texts ?? []),
        }));
        const workflowClasses = Object.values(WORKFLOW_CLASSES);
        terminal.out(
          json
            ? `${JSON.stringify({ isMeasured: texts !== null, sources, workflowClasses, errors: ERROR_TABLE })}\n`
            : renderTimeouts(
                { isMeasured: texts !== null, sources, workflowClasses, errors: ERROR_TABLE },
                terminal,
              ),
        );
      },
    ),
};

async function fetchMetrics(text: string): Promise<string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (
    url === null ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.username !== '' ||
    url.password !== ''
  )
    throw new CliError(
      'CLI_USAGE',
      '--metrics-url: expected an address such as http://127.0.0.1:9464/metrics',
    );
  const fail = (why: string, cause?: unknown): CliError =>
    new CliError('CLI_API_UNREACHABLE', `the metrics at ${url.origin} ${why}`, { cause });
  let body: string;
  let status: number;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    ({ status } = response);
    body = await response.text();
  } catch (error) {
    throw fail('cannot be read', error);
  }
  if (status !== 200) throw fail(`answered ${status}`);
  if (body.length > MAX_BYTES) throw fail('are too large');
  return body;
}
