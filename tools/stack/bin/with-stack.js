#!/usr/bin/env node
import { withStack } from '../src/with-stack.js';

process.exitCode = await withStack(process.argv.slice(2));
