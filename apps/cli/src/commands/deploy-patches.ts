import {
  countOfType,
  judgePatches,
  type PatchUse,
  readDeployment,
  readPatches,
} from '@heliograph/temporal-worker/deployments';
import type { Argv } from 'yargs';
import { SERVICE_OPTIONS } from '../connect-temporal.ts';
import { assertBuildId, DEPLOYMENT_OPTIONS, withDeployments } from '../deployments.ts';
import { CliError } from '../errors.ts';
import { Page } from '../layout.ts';
import { reportProgress } from '../report-progress.ts';
import type { Terminal } from '../terminal.ts';

/** `heliograph deploy patches [ID]` */
export function registerPatches(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'patches [id]',
    'Say which patches open runs still need, by reading their histories',
    (command) =>
      command
        .positional('id', { type: 'string', describe: 'Only this patch' })
        .options({
          ...DEPLOYMENT_OPTIONS,
          concurrency: SERVICE_OPTIONS.concurrency,
          type: { type: 'string', requiresArg: true, describe: 'Only runs of this workflow type' },
          'introduced-in': {
            type: 'string',
            requiresArg: true,
            describe:
              'The first build that calls patched(ID): may it become deprecatePatch(ID)? Exit code 4 if not',
          },
          'deprecated-in': {
            type: 'string',
            requiresArg: true,
            describe:
              'The first build that calls deprecatePatch(ID) instead: may that be removed? Exit code 4 if not',
          },
        })
        .example('$0 deploy patches -d dispatch-center', 'which open runs have recorded what')
        .example(
          '$0 deploy patches staleness -d dispatch-center --introduced-in r41',
          'is the old path needed?',
        ),
    async ({ id, type, introducedIn, deprecatedIn, concurrency, ...given }) => {
      if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 100)
        throw new CliError('CLI_USAGE', '--concurrency: expected a whole number from 1 to 100');
      const isQuestion = (introducedIn ?? deprecatedIn) !== undefined;
      if (isQuestion && (id === undefined || type === undefined))
        throw new CliError(
          'CLI_USAGE',
          'patches: --introduced-in and --deprecated-in need the id of a patch and --type',
        );
      for (const build of [introducedIn, deprecatedIn]) if (build !== undefined) assertBuildId(build);
      const progress = reportProgress(terminal);
      const { uses, runs } = await withDeployments(given, terminal, async (service) => {
        // Read first: a build that is replaced meanwhile counts as used.
        const deployment = await readDeployment(service, given.deployment);
        const open = await readPatches(service, {
          workflowType: type,
          concurrency,
          onProgress: (count) => progress.show(`${count} open runs`),
        });
        // Of a type that is mistyped, no run is open.
        if (isQuestion && type !== undefined && (await countOfType(service, type)) === 0)
          throw new CliError(
            'CLI_STILL_NEEDED',
            `namespace ${service.namespace} holds no run of type ${type}, open or closed, so nothing can be said of it`,
          );
        const asked = { patchId: id, workflowType: type, introducedIn, deprecatedIn };
        return { uses: judgePatches(deployment, open, asked), runs: open.length };
      }).finally(() => progress.end());
      terminal.out(
        given.json ? `${JSON.stringify({ runs, patches: uses })}\n` : renderPatches(uses, runs, terminal),
      );
      if (id !== undefined) assertUnneeded(uses, id, { introducedIn, deprecatedIn });
    },
  );
}

/** @throws {CliError} CLI_STILL_NEEDED unless what was asked is answered with yes for every workflow type */
function assertUnneeded(
  uses: readonly PatchUse[],
  id: string,
  {
    introducedIn,
    deprecatedIn,
  }: { readonly introducedIn: string | undefined; readonly deprecatedIn: string | undefined },
): void {
  const answers = uses.flatMap((use) => [
    ...(introducedIn === undefined ? [] : [[use, use.mayDeprecate] as const]),
    ...(deprecatedIn === undefined ? [] : [[use, use.mayRemove] as const]),
  ]);
  const refused = answers.find(([, { answer }]) => answer !== 'yes');
  if (refused === undefined) return;
  const [{ workflowType }, { why }] = refused;
  throw new CliError('CLI_STILL_NEEDED', `patch ${id} of ${workflowType} stays: ${why}`);
}

function renderPatches(uses: readonly PatchUse[], runs: number, terminal: Terminal): string {
  const page = new Page(terminal).add(`${runs} open runs, ${uses.length} patches`, { style: 'strong' });
  for (const use of uses) {
    const { workflowType, patchId, recorded, deprecated, without, mayDeprecate, mayRemove } = use;
    page.gap().add(`${workflowType}: ${patchId}`);
    page.add(
      `${recorded} runs have recorded it, ${deprecated} only as deprecated, ${without} have not: they did not reach it, or passed it before it was there.`,
      { indent: 2 },
    );
    page.add(`patched may become deprecatePatch: ${mayDeprecate.answer}, ${mayDeprecate.why}.`, {
      indent: 2,
      hanging: 2,
    });
    page.add(`deprecatePatch may be removed: ${mayRemove.answer}, ${mayRemove.why}.`, {
      indent: 2,
      hanging: 2,
    });
  }
  return page
    .gap()
    .add(
      'Closed runs were not read: one that is queried or reset replays too. Runs that began in the last moments may be missing.',
      { style: 'faint' },
    )
    .toString();
}
