import { readFileSync } from 'node:fs';
import { countUses, type NamespaceSurvey, surveyNamespace } from '@heliograph/codec/survey';
import type { Argv } from 'yargs';
import {
  listNamespaces,
  SERVICE_OPTIONS,
  TEMPORAL_OPTIONS,
  type TemporalArguments,
  withTemporal,
} from '../connect-temporal.ts';
import { CliError } from '../errors.ts';
import { describePlain, renderSurveys } from '../render-survey.ts';
import { replaceFile, systemCode } from '../replace-file.ts';
import { reportProgress } from '../report-progress.ts';
import { retireKey } from '../retire-key.ts';
import type { Terminal } from '../terminal.ts';
import type { Command } from './command.ts';

/** `heliograph codec status`, `heliograph codec strict` and `heliograph codec retire`. */
export const codecCommand: Command = {
  register: (parser, terminal) =>
    parser.command('codec', 'Count what Temporal stores in clear and under which key', (group) =>
      [registerStatus, registerStrict, registerRetire]
        .reduce((all, register) => register(all, terminal), group)
        .demandCommand(1, 'codec: expected what to do: status, strict or retire'),
    ),
};

function registerStatus(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'status',
    'Count runs and schedules with plain payloads, and by the keys that they name',
    (status) => status.options(TEMPORAL_OPTIONS),
    async (given) => {
      print(await survey(given, terminal), given, terminal);
    },
  );
}

function registerStrict(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'strict',
    'Check that workers may become strict: nothing is stored in clear',
    (strict) => strict.options(TEMPORAL_OPTIONS),
    async (given) => {
      const surveys = await survey(given, terminal);
      print(surveys, given, terminal);
      const plain = describePlain(surveys);
      if (plain === null) return;
      throw new CliError(
        'CLI_STILL_NEEDED',
        `strict workers would fail runs and schedules with plain payloads (${plain}); keep HELIOGRAPH_CODEC_MODE=permissive until they are gone`,
      );
    },
  );
}

function registerRetire(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'retire <key-id>',
    'Take a key out of a key file, unless something still names it',
    (retire) =>
      retire
        .positional('key-id', { type: 'string', demandOption: true, describe: 'The id of the key' })
        // Without --namespace: a key file serves every namespace of the service.
        .options({
          ...SERVICE_OPTIONS,
          keys: {
            type: 'string',
            requiresArg: true,
            normalize: true,
            demandOption: true,
            describe: 'The key file; it is replaced as a whole',
          },
          domain: {
            type: 'string',
            requiresArg: true,
            describe: 'The domain of the key, where several have one of this id',
          },
          'stored-objects-checked': {
            type: 'boolean',
            default: false,
            describe: 'No payload that is stored outside of histories is encrypted with the key any more',
          },
        })
        .example('$0 codec retire k0 --keys /etc/heliograph/keys.json', 'only if nothing names k0'),
    async ({ keyId, keys, domain, storedObjectsChecked, ...given }) => {
      const before = contentOf(keys);
      const retirement = retireKey(before, keyId, domain);
      const surveys = await survey(given, terminal);
      print(surveys, given, terminal);
      assertUnused(surveys, retirement, storedObjectsChecked);
      if (contentOf(keys) !== before)
        throw new CliError('CLI_FILE_FAILED', `${keys} was changed meanwhile, so it was left as it is`);
      replaceFile(keys, retirement.text);
      terminal.err(`Key ${keyId} of the domain ${retirement.domain} was taken out of ${keys}.\n`);
    },
  );
}

/** @throws {CliError} CLI_STILL_NEEDED */
function assertUnused(
  surveys: readonly NamespaceSurvey[],
  key: { readonly domain: string; readonly keyId: string },
  isChecked: boolean,
): void {
  const refuse = (why: string): CliError =>
    new CliError('CLI_STILL_NEEDED', `the key ${key.keyId} of the domain ${key.domain} stays: ${why}`);
  const uses = surveys
    .map((each) => [each.namespace, countUses(each, key)] as const)
    .filter(([, count]) => count > 0);
  if (uses.length > 0)
    throw refuse(
      `runs and schedules still name it (${uses.map(([namespace, count]) => `${namespace}: ${count}`).join(', ')})`,
    );
  if (surveys.some(({ isOverflown }) => isOverflown))
    throw refuse('payloads name more keys than could be counted, so it may be among them');
  const references = surveys.reduce(
    (sum, { open, retained, schedules }) =>
      sum + open.references + retained.references + schedules.references,
    0,
  );
  if (references > 0 && !isChecked)
    throw refuse(
      `${references} runs and schedules refer to payloads that are stored outside; once key rotation has encrypted those anew, use --stored-objects-checked`,
    );
}

async function survey(given: TemporalArguments, terminal: Terminal): Promise<readonly NamespaceSurvey[]> {
  const { concurrency, namespace } = given;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 100)
    throw new CliError('CLI_USAGE', '--concurrency: expected a whole number from 1 to 100');
  return withTemporal(given, terminal, async (connection) => {
    const surveys: NamespaceSurvey[] = [];
    const progress = reportProgress(terminal);
    try {
      for (const each of namespace ?? (await listNamespaces(connection)))
        surveys.push(
          await surveyNamespace({
            service: connection.workflowService,
            namespace: each,
            concurrency,
            onProgress: ({ open, retained, schedules }) =>
              progress.show(`${each}: ${open.total + retained.total} runs, ${schedules.total} schedules`),
          }),
        );
    } finally {
      progress.end();
    }
    return surveys;
  });
}

function print(
  surveys: readonly NamespaceSurvey[],
  { json }: { readonly json: boolean },
  terminal: Terminal,
): void {
  terminal.out(json ? `${JSON.stringify({ namespaces: surveys })}\n` : renderSurveys(surveys, terminal));
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError('CLI_USAGE', `--keys: the file cannot be read${systemCode(error)}`, { cause: error });
  }
}
