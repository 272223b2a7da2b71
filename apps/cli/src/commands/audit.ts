import { AUDIT_ACTIONS, AUDIT_OUTCOMES, AUDIT_SCOPE, type CodecClient } from '@heliograph/codec-api';
import { verifyChain } from '@heliograph/codec-audit';
import type { Argv } from 'yargs';
import { CODEC_SERVER } from '../api.ts';
import { readCheckpoint, writeCheckpoint } from '../checkpoint-file.ts';
import { askApi } from '../connect.ts';
import { CliError } from '../errors.ts';
import { apiOptions, sharedOptions, type SharedArguments } from '../options.ts';
import { parseInstant } from '../parse-instant.ts';
import { type EntryView, readAuditLog, readChain } from '../read-audit-log.ts';
import { describeFault, renderEntries } from '../render-audit.ts';
import { reportProgress } from '../report-progress.ts';
import type { Terminal } from '../terminal.ts';
import type { Command } from './command.ts';

const text = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

/** `heliograph audit list` and `heliograph audit verify`. */
export const auditCommand: Command = {
  register: (parser, terminal) =>
    parser.command('audit', 'Read and verify the audit log of the codec server', (group) =>
      registerVerify(registerList(group, terminal), terminal).demandCommand(
        1,
        'audit: expected what to do, list or verify',
      ),
    ),
};

function registerList(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'list',
    'List who asked for which payloads, the newest first',
    (list) =>
      list
        .options({
          ...sharedOptions(CODEC_SERVER),
          subject: text('Only what this subject asked for'),
          namespace: text('Only of this namespace'),
          domain: text('Only of this domain'),
          key: text('Only of this key id'),
          request: text('Only of this request id'),
          action: { ...text('Only this action'), choices: AUDIT_ACTIONS },
          outcome: { ...text('Only with this outcome'), choices: AUDIT_OUTCOMES },
          from: text('Only from this instant on, such as 2026-01-31T12:00:00Z'),
          to: text('Only before this instant'),
          limit: { type: 'number', default: 50, requiresArg: true, describe: 'How many to list at most' },
        })
        .example('$0 audit list --outcome denied', 'who tried to read what they may not'),
    async ({ subject, namespace, domain, key, request, action, outcome, from, to, limit, ...shared }) => {
      if (!Number.isInteger(limit) || limit < 1)
        throw new CliError('CLI_USAGE', '--limit: expected a whole number of at least 1');
      const query = {
        subject,
        namespace,
        domain,
        action,
        outcome,
        keyId: key,
        requestId: request,
        from: from === undefined ? undefined : parseInstant('--from', from),
        to: to === undefined ? undefined : parseInstant('--to', to),
      };
      const entries: EntryView[] = [];
      await ask(shared, terminal, async (client) => {
        // One more, which only proves that there are more.
        const pageSize = Math.min(limit + 1, 1000);
        for await (const entry of readAuditLog(client, { ...query, limit: pageSize })) {
          entries.push(entry);
          if (entries.length > limit) return;
        }
      });
      const items = entries.slice(0, limit);
      const hasMore = entries.length > limit;
      terminal.out(
        shared.json ? `${JSON.stringify({ items, hasMore })}\n` : renderEntries(items, hasMore, terminal),
      );
    },
  );
}

function registerVerify(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'verify',
    'Verify that no entry was changed, removed, inserted or reordered',
    (verify) =>
      verify
        .options({
          ...sharedOptions(CODEC_SERVER),
          checkpoint: {
            ...text(
              'File with the end of the log as it was last time; compared, then replaced. Keep it elsewhere',
            ),
            normalize: true,
          },
          init: {
            type: 'boolean',
            default: false,
            describe: 'Make the file of --checkpoint, which must not exist yet; nothing is compared',
          },
        })
        .example('$0 audit verify --checkpoint /mnt/vault/audit.json --init', 'the first time')
        .example(
          '$0 audit verify --checkpoint /mnt/vault/audit.json',
          'also notices that entries up to the checkpoint were removed or rewritten',
        ),
    async ({ checkpoint: file, init, ...shared }) => {
      if (init && file === undefined) throw new CliError('CLI_USAGE', '--init: needs --checkpoint FILE');
      const checkpoint = file === undefined ? null : readCheckpoint(file, init);
      const report = await ask(shared, terminal, async (client) => {
        const progress = reportProgress(terminal);
        try {
          return await verifyChain(
            readChain(client, (sequence) => progress.show(`${sequence} entries verified`)),
            checkpoint === null ? {} : { checkpoint },
          );
        } finally {
          progress.end();
        }
      });
      const { head, kind } = report;
      const hash = Buffer.from(head.hash).toString('hex');
      if (shared.json)
        terminal.out(
          `${JSON.stringify({ ...report, head: { sequence: head.sequence, hash }, checkpoint: checkpoint?.sequence ?? null })}\n`,
        );
      if (kind === 'broken') throw new CliError('CLI_AUDIT_BROKEN', describeFault(report));
      if (file !== undefined) writeCheckpoint(file, head, new Date());
      if (shared.json) return;
      const since =
        checkpoint === null
          ? '; no checkpoint was compared, so that entries may be missing at the end'
          : `, and hold the checkpoint at entry ${checkpoint.sequence}`;
      terminal.out(`${head.sequence} entries are intact${since}.\nhead ${head.sequence} ${hash}\n`);
    },
  );
}

function ask<T>(
  shared: SharedArguments,
  terminal: Terminal,
  run: (client: CodecClient) => Promise<T>,
): Promise<T> {
  const options = apiOptions(CODEC_SERVER, shared, terminal);
  return askApi({ api: CODEC_SERVER, options, scope: AUDIT_SCOPE }, run);
}
