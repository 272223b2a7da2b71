import { readFileSync } from 'node:fs';
import { describeApi } from '@heliograph/api-contract/openapi';
import { expect, test } from '@jest/globals';
import { API_NAME, API_VERSION, authOperations } from './operations.ts';

test('openapi.json says what the operations say (if not: npm run openapi)', () => {
  const committed: unknown = JSON.parse(readFileSync(new URL('../openapi.json', import.meta.url), 'utf8'));
  const described: unknown = JSON.parse(
    JSON.stringify(describeApi(API_NAME, API_VERSION, Object.values(authOperations))),
  );
  expect(committed).toEqual(described);
});
