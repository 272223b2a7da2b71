import { childOf, childrenOf, isFunction, nameOf, type Node, type Rule, unwrap, walk } from './rule.ts';

/**
 * After a cancellation everything that a workflow waits for throws at once, except within a nonCancellable scope: what
 * undoes something in `catch` or `finally`, or in the callback of `.catch`, would not run. Rethrowing cancellations first is
 * no way out: then a cancellation undoes nothing.
 */
export const compensateNonCancellable: Rule = {
  meta: {
    type: 'problem',
    docs: { description: 'what a workflow waits for after an error runs in a nonCancellable scope' },
  },
  create(context) {
    const reported = new Set<Node>();
    const report = (node: Node): void => {
      if (reported.has(node)) return;
      reported.add(node);
      context.report({
        node,
        message:
          'after a cancellation this throws at once, or is not reached, and undoes nothing; ' +
          'wrap it in CancellationScope.nonCancellable or use a saga, and move what undoes nothing behind the try',
      });
    };
    /** `isAwaited`: somebody waits for what the block returns. */
    const check = (block: Node | null, isAwaited: boolean): void => {
      if (block === null) return;
      walk(block, (node) => {
        // A nested catch has a visit of its own.
        if (isFunction(node) || isNonCancellable(node) || node.type === 'CatchClause') return false;
        if (
          waits(node) ||
          (isAwaited && node.type === 'ReturnStatement' && isCall(childOf(node, 'argument')))
        ) {
          report(node);
          return false;
        }
        return true;
      });
    };
    return {
      CatchClause: (node) => check(childOf(node, 'body'), isInAsyncFunction(node)),
      TryStatement: (node) => check(childOf(node, 'finalizer'), isInAsyncFunction(node)),
      CallExpression(node) {
        for (const callback of callbacksAfterAnError(node)) {
          const body = childOf(callback, 'body');
          if (isCall(body)) report(callback);
          else check(body, true);
        }
      },
    };
  },
};

/** `await` and `for await`, outside a nonCancellable scope. */
function waits(node: Node): boolean {
  if (node.type === 'ForOfStatement') return node['await'] === true;
  return node.type === 'AwaitExpression' && !isNonCancellable(unwrap(childOf(node, 'argument')));
}

/** A call whose promise is handed on: whether it is one only the compiler knows. */
function isCall(node: Node | null): boolean {
  const call = unwrap(node);
  return call?.type === 'CallExpression' && !isNonCancellable(call);
}

/** The functions that `.catch`, `.finally`, or `.then` with two arguments, calls after an error. */
function callbacksAfterAnError(call: Node): readonly Node[] {
  const method = nameOf(childOf(call, 'callee')).split('.').at(-1);
  const [first, second] = childrenOf(call, 'arguments');
  if (childOf(call, 'callee')?.type !== 'MemberExpression') return [];
  const callback =
    method === 'catch' || method === 'finally' ? first : method === 'then' ? second : undefined;
  return callback !== undefined && isFunction(callback) ? [callback] : [];
}

function isInAsyncFunction(node: Node): boolean {
  let outer = childOf(node, 'parent');
  while (outer !== null && !isFunction(outer)) outer = childOf(outer, 'parent');
  return outer?.['async'] === true;
}

function isNonCancellable(node: Node | null): boolean {
  return (
    node?.type === 'CallExpression' &&
    /^(?:.+\.)?CancellationScope\.nonCancellable$/.test(nameOf(childOf(node, 'callee')))
  );
}
