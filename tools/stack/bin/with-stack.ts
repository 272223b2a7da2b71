#!/usr/bin/env node
import { withStack } from '../src/with-stack.ts';

process.exitCode = await withStack(process.argv.slice(2));
