import { childOf, childrenOf, isFunction, nameOf, type Node, type Rule, walk } from './rule.ts';

/**
 * After a cancellation everything that a workflow waits for throws at once, except within a nonCancellable scope: what
 * undoes something in `catch` or `finally` would not run.
 */
export const compensateNonCancellable: Rule = {
  meta: {
    type: 'problem',
    docs: { description: 'what a workflow waits for after an error runs in a nonCancellable scope' },
  },
  create(context) {
    const check = (block: Node | null): void => {
      if (block === null) return;
      for (const statement of childrenOf(block, 'body')) {
        // What follows is not reached after a cancellation.
        if (leavesOnCancellation(statement)) return;
        walk(statement, (node) => {
          if (isFunction(node) || isNonCancellable(node)) return false;
          // Has a visit of its own.
          if (node.type === 'CatchClause') return false;
          if (node.type !== 'AwaitExpression' || isNonCancellable(childOf(node, 'argument'))) return true;
          context.report({
            node,
            message:
              'after a cancellation this throws at once and undoes nothing; ' +
              'wrap it in CancellationScope.nonCancellable, use a saga, or rethrow cancellations first',
          });
          return false;
        });
      }
    };
    return {
      CatchClause: (node) => check(childOf(node, 'body')),
      TryStatement: (node) => check(childOf(node, 'finalizer')),
    };
  },
};

function isNonCancellable(node: Node | null): boolean {
  return (
    node?.type === 'CallExpression' &&
    /^(?:.+\.)?CancellationScope\.nonCancellable$/.test(nameOf(childOf(node, 'callee')))
  );
}

/** `if (isCancellation(error)) throw error`, or `return`. */
function leavesOnCancellation(statement: Node): boolean {
  if (statement.type !== 'IfStatement') return false;
  const test = childOf(statement, 'test');
  if (test?.type !== 'CallExpression' || !/(?:^|\.)isCancellation$/.test(nameOf(childOf(test, 'callee'))))
    return false;
  const then = childOf(statement, 'consequent');
  const last = then?.type === 'BlockStatement' ? childrenOf(then, 'body').at(-1) : then;
  return last?.type === 'ThrowStatement' || last?.type === 'ReturnStatement';
}
