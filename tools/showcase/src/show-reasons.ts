import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { EXPLAINED_REASONS } from '@heliograph/dispatch-workflows/explain';
import { startShowcaseGround, type ShowcaseGround } from './showcase-ground.ts';
import type { Question } from './situation.ts';
import { SITUATIONS } from './situations/index.ts';

/** The ledger follows the rows that it describes by a moment, in milliseconds. */
const LEDGER_MS = 700;

/**
 * Plays situations one after another, waits until each gives its reason, and prints what `heliograph explain alert` says.
 * Resolves to whether every wanted reason was shown; default is all of them.
 */
export async function showReasons(options: {
  /** Of the repository. */
  readonly root: string;
  readonly wanted: readonly string[];
  readonly print: (line: string) => void;
}): Promise<boolean> {
  const { root, print } = options;
  const wanted = new Set<string>(options.wanted.length === 0 ? EXPLAINED_REASONS : options.wanted);
  const ground = await startShowcaseGround(root, print);
  const shown = new Set<string>();
  const failed = new Set<string>();
  try {
    for (const situation of SITUATIONS.filter(({ reason }) => wanted.has(reason))) {
      const { reason, outcome, title } = situation;
      try {
        const question = await situation.play(ground);
        await ground.untilShown(question, situation);
        await sleep(LEDGER_MS);
        print(`\n━━ ${reason}${outcome === undefined ? '' : ` (${outcome})`}: ${title}`);
        print(await explainWithCli(root, ground, question));
        shown.add(reason);
      } catch (error) {
        failed.add(reason);
        print(`\n━━ ${reason}: NOT SHOWN: ${error instanceof Error ? error.message : String(error)}`);
      }
      await ground.restore();
    }
  } finally {
    await ground.stop();
  }
  const missing = [...wanted].filter((reason) => failed.has(reason) || !shown.has(reason));
  const tail = missing.length === 0 ? '' : `; not shown: ${missing.join(', ')}`;
  print(`\nreasons: ${wanted.size - missing.length} of ${wanted.size} shown${tail}`);
  return missing.length === 0;
}

/** What the command line prints. */
async function explainWithCli(root: string, { api }: ShowcaseGround, question: Question): Promise<string> {
  const { fingerprint, eventId } = question;
  const args = [
    join(root, 'apps/cli/bin/heliograph.js'),
    'explain',
    'alert',
    fingerprint,
    '--event',
    eventId,
  ];
  const env = { ...process.env, HELIOGRAPH_API_URL: api.url, HELIOGRAPH_API_KEY: api.key };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return stdout.trimEnd();
}
