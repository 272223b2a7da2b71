import { compensateNonCancellable } from './compensate-non-cancellable.ts';
import { noAsyncValidator } from './no-async-validator.ts';
import { noModuleState } from './no-module-state.ts';
import type { Rule } from './rule.ts';

export type { Node, Rule, RuleContext } from './rule.ts';

/** Rules against traps of workflow code, for oxlint (`jsPlugins`) and ESLint alike. Apply them to workflow modules only. */
const plugin: {
  readonly meta: { readonly name: string };
  readonly rules: Readonly<Record<string, Rule>>;
} = {
  meta: { name: 'heliograph-workflows' },
  rules: {
    'compensate-non-cancellable': compensateNonCancellable,
    'no-async-validator': noAsyncValidator,
    'no-module-state': noModuleState,
  },
};

export default plugin;
