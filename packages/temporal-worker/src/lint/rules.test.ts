import { describe, it } from '@jest/globals';
import { RuleTester } from 'oxlint/plugins-dev';
import plugin from './index.ts';

RuleTester.describe = describe;
RuleTester.it = it;
const tester = new RuleTester({ languageOptions: { sourceType: 'module', parserOptions: { lang: 'ts' } } });

function check(rule: keyof typeof plugin.rules, valid: readonly string[], invalid: readonly string[]): void {
  const found = plugin.rules[rule];
  if (found === undefined) throw new Error(`no rule ${rule}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a rule sees less of the linter than the linter offers
  tester.run(rule, found as never, {
    valid: [...valid],
    invalid: invalid.map((code) => ({ code, errors: 1 })),
  });
}

check(
  'no-async-validator',
  [
    'setHandler(approve, async () => ok(), { validator: (by: string) => { if (by === "") throw new Error(); } });',
    'const validate = () => {}; setHandler(approve, handle, { validator: validate });',
    'register(approve, handle, { validator: async () => {} });',
    'setHandler(query, () => 1);',
  ],
  [
    'setHandler(approve, handle, { validator: async () => {} });',
    'setHandler(approve, handle, { validator: async function () {} });',
    'setHandler(approve, handle, { async validator() {} });',
    'wf.setHandler(approve, handle, { validator: async () => {} });',
    'async function validate() {} setHandler(approve, handle, { validator: validate });',
    'setHandler(approve, handle, { validator }); const validator = async () => {};',
  ],
);

check(
  'no-module-state',
  [
    'const LIMITS: ReadonlyMap<string, number> = new Map([["a", 1]]);',
    'const NONE: readonly string[] = [];',
    'const DEFAULTS: Readonly<Record<string, number>> = {};',
    'export const approve = defineUpdate("approve");',
    'const TABLE = [1, 2];',
    'const LIMITS = { retries: 3 }; export function order() { return LIMITS.retries; }',
    'const NONE = [] as const;',
    'const NONE = [] as readonly string[];',
    'const LIMITS = new Map([["a", 1]]) as ReadonlyMap<string, number>;',
    'const TABLE = [1, 2]; export function order() { const own = [...TABLE]; own.push(3); return own; }',
    'declare let injected: number;',
    'export async function order() { let count = 0; const seen = new Set(); count += seen.size; }',
  ],
  [
    'let count = 0;',
    'export let count = 0;',
    'var count = 0;',
    'const seen = new Set();',
    'export const cache = new Map<string, number>();',
    'const queue: string[] = [];',
    'const byId: Record<string, number> = {};',
    'const byId = {} as Record<string, number>;',
    'const seen = new Map() as Map<string, string>;',
    'const queue = [] satisfies string[];',
    'const queue = ([] as unknown) as string[];',
    'const queue = <string[]>[];',
    'const counter = { count: 0 }; export function order() { counter.count++; }',
    'const counter = { count: 0 }; export function order() { counter.count = 1; counter.count += 2; }',
    'export const config = { limits: { retries: 3 } }; export function order() { config.limits.retries = 5; }',
    'const TABLE = [1, 2]; export function order() { TABLE.push(3); }',
    'const byId = { a: 1 }; export function order() { delete byId["a"]; }',
  ],
);

check(
  'compensate-non-cancellable',
  [
    'async function f() { try { await run(); } catch { await CancellationScope.nonCancellable(() => undo()); } }',
    'async function f() { try { await run(); } catch { await wf.CancellationScope.nonCancellable(async () => { await undo(); }); } }',
    'async function f() { try { await run(); } catch (error) { if (isCancellation(error)) throw error; } await again(); }',
    'async function f() { try { await run(); } catch { return CancellationScope.nonCancellable(() => undo()); } }',
    'async function f() { await run().catch(() => CancellationScope.nonCancellable(() => undo())); }',
    'async function f() { await run().catch(() => undefined); }',
    'async function f() { await run().then(() => next()); }',
    'function f() { try { return parse(); } catch (error) { return explain(error); } }',
    'async function f() { try { await run(); } catch { later(async () => { await undo(); }); } }',
    'async function f() { try { await run(); } finally { release(); } }',
  ],
  [
    'async function f() { try { await run(); } catch { await undo(); } }',
    'async function f() { try { await run(); } finally { await release(); } }',
    'async function f() { try { await run(); } catch { for (const undo of undos) await undo(); } }',
    'async function f() { try { await run(); } catch (error) { await undo(); if (isCancellation(error)) throw error; } }',
    'async function f() { try { await run(); } catch { try { await undo(); } catch {} } }',
    'async function f() { try { await run(); } catch { try { go(); } finally { await undo(); } } }',
    'async function f() { try { await run(); } catch (error) { if (isCancellation(error)) throw error; await refund(); throw error; } }',
    'async function f() { try { await run(); } catch (error) { if (isCancellation(error)) { note(); return; } await again(); } }',
    'async function f() { try { await run(); } catch { return refund(); } }',
    'async function f() { try { await run(); } catch { return refund() as Promise<void>; } }',
    'async function f() { try { await run(); } catch { for await (const undo of undos) undo(); } }',
    'async function f() { try { await run(); } catch { await Promise.all(undos.map(async (undo) => undo())); } }',
    'async function f() { run().catch(async () => { await refund(); }); }',
    'async function f() { await run().catch(() => refund()); }',
    'function f() { return run().catch(function () { return refund(); }); }',
    'async function f() { await run().finally(async () => { await release(); }); }',
    'async function f() { await run().then(undefined, async (error) => { await refund(); throw error; }); }',
    'async function f() { try { await run(); } catch { await CancellationScope.cancellable(() => undo()); } }',
  ],
);
