// npm run mutants -- PACKAGE: mutation testing of one package.
import { globSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@heliograph/command-line';
import { runMutants } from '../src/run-mutants.ts';
import { splitGlobs } from '../src/split-globs.ts';
import { summarizeMutants } from '../src/summarize-mutants.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folders = globSync('{packages,apps,tools}/*/stryker.config.json', { cwd: root }).map(dirname);

const command = {
  invocation: 'npm run mutants --',
  summary: 'Changes the source of a package in small ways and says which changes no unit test notices.',
  positionals: {
    name: 'PACKAGE',
    choices: folders.map((folder) => basename(folder)).toSorted(),
    count: 'one',
  },
  options: {
    concurrency: { kind: 'number', min: 1, max: 64, help: 'How many test processes run at once; default 1.' },
    mutate: { kind: 'text', placeholder: 'GLOB,…', help: 'Only these files, or lines: src/a.ts:10-20.' },
    tests: { kind: 'text', placeholder: 'GLOB,…', help: 'Only these tests, so that more survives.' },
    continue: { kind: 'flag', help: 'Keeps the results of the run before where they still hold.' },
  },
} as const;

await runCommand(command, async ({ positionals: [name = ''], values }) => {
  const folder = join(root, folders.find((each) => basename(each) === name) ?? '');
  const reports = join(root, 'node_modules/.cache/mutants', name);
  const mutants = await runMutants({
    root,
    folder,
    reports,
    concurrency: values.concurrency ?? 1,
    mutate: splitGlobs(values.mutate),
    tests: splitGlobs(values.tests),
    isContinued: values.continue,
  });
  const { files, all } = summarizeMutants(
    mutants.map(({ status, fileName }) => ({ status, fileName: relative(folder, fileName) })),
  );
  for (const { file, killed, survived, score } of [...files, all])
    console.log(`${score.toFixed(1).padStart(5)} %  ${killed} of ${killed + survived} killed  ${file}`);
  console.log(`report: ${relative(root, reports)}/mutants.html`);
  return Number(process.exitCode ?? 0);
});
