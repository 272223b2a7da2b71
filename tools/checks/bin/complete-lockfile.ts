// npm run lockfile: after every `npm install`, completes package-lock.json so that `npm ci` works on every platform.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@heliograph/command-line';
import { completeLockfile, missingOptionalPackages } from '../src/complete-lockfile.ts';

const path = fileURLToPath(new URL('../../../package-lock.json', import.meta.url));

const command = {
  invocation: 'npm run lockfile --',
  summary: 'Adds the packages of other platforms that npm left out of package-lock.json.',
  options: {},
} as const;

await runCommand(command, async () => {
  const lock = JSON.parse(readFileSync(path, 'utf8'));
  const missing = missingOptionalPackages(lock);
  if (missing.length > 0) writeFileSync(path, `${JSON.stringify(completeLockfile(lock), null, 2)}\n`);
  console.log(
    missing.length === 0
      ? 'package-lock.json is complete'
      : `package-lock.json: added ${missing.length} platform packages`,
  );
  return 0;
});
