import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { pauseAtWorkflows } from './step-through.ts';

const SOURCE_MAP = '//# sourceMappingURL=data:application/json;base64,e30=';

test('a bundle pauses where its workflows are called, and its source map stays the last line', () => {
  const code = `__TEMPORAL__ = { importWorkflows: () => ({ add: (a, b) => a + b, LIMIT: 3 }) };\n${SOURCE_MAP}`;
  const paused = pauseAtWorkflows(code);
  expect(paused.startsWith('__TEMPORAL__ =')).toBe(true);
  expect(paused.endsWith(`\n${SOURCE_MAP}`)).toBe(true);
  const load = (): unknown => runInNewContext(`let __TEMPORAL__; ${paused}\n;__TEMPORAL__.importWorkflows()`);
  const module = load() as { add(a: number, b: number): number; LIMIT: number };
  expect([module.add(1, 2), module.LIMIT]).toEqual([3, 3]);
  expect(module.add.toString()).toContain('native code');
});
