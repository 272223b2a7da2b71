import { childOf, childrenOf, isFunction, nameOf, type Node, type Rule } from './rule.ts';

/**
 * A validator of an update that returns a promise rejects where nobody waits for it: the workflow task fails for ever, and
 * the update never returns.
 */
export const noAsyncValidator: Rule = {
  meta: { type: 'problem', docs: { description: 'update validators answer at once' } },
  create(context) {
    const asyncFunctions = new Set<string>();
    const named: Node[] = [];
    const report = (node: Node): void =>
      context.report({
        node,
        message:
          'an update validator has to answer at once: when it is async, the workflow task fails for ever; ' +
          'check in the handler what takes time',
      });
    return {
      FunctionDeclaration(node) {
        if (node['async'] === true) asyncFunctions.add(nameOf(childOf(node, 'id')));
      },
      VariableDeclarator(node) {
        const init = childOf(node, 'init');
        if (init !== null && isFunction(init) && init['async'] === true)
          asyncFunctions.add(nameOf(childOf(node, 'id')));
      },
      CallExpression(node) {
        if (!/^(?:workflow\.|wf\.)?setHandler$/.test(nameOf(childOf(node, 'callee')))) return;
        const [, , options] = childrenOf(node, 'arguments');
        for (const property of childrenOf(options ?? null, 'properties')) {
          if (nameOf(childOf(property, 'key')) !== 'validator') continue;
          const value = childOf(property, 'value');
          if (value === null) continue;
          if (isFunction(value) && value['async'] === true) report(value);
          else if (value.type === 'Identifier') named.push(value);
        }
      },
      'Program:exit'() {
        for (const node of named) if (asyncFunctions.has(nameOf(node))) report(node);
      },
    };
  },
};
