import { runDispatch } from './dispatch/run-dispatch.ts';

const flags = new Set(process.argv.slice(3));
const json = flags.has('--json');
// With --json, standard output holds the one object; what people read goes to standard error.
const log = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);

const report = await runDispatch({ quick: flags.has('--quick'), log });
console.log(JSON.stringify(report));
process.exitCode = report.lost + report.reordered + report.unexpected > 0 ? 1 : 0;
