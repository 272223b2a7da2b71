/** Writes openapi.json from the operations: `npm run openapi`. A test refuses a file that says anything else. */
import { writeFileSync } from 'node:fs';
import { describeApi } from '@heliograph/api-contract/openapi';
import { API_NAME, API_VERSION, authOperations } from '../src/operations.ts';

const document = describeApi(API_NAME, API_VERSION, Object.values(authOperations));
writeFileSync(new URL('../openapi.json', import.meta.url), `${JSON.stringify(document, null, 2)}\n`);
