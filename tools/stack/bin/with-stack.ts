#!/usr/bin/env node
import { watchParent } from '@heliograph/bootstrap';
import { withStack } from '../src/with-stack.ts';

// Whoever runs a check is not always our launcher: nothing may be left behind when it is killed.
watchParent(() => process.kill(process.pid, 'SIGTERM'));
process.exitCode = await withStack(process.argv.slice(2));
