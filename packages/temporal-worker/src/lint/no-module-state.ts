import { childOf, childrenOf, nameOf, type Node, type Rule, unwrap } from './rule.ts';

const COLLECTIONS = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Array']);
const LITERALS = new Set(['ArrayExpression', 'ObjectExpression']);
/** Methods that change an array in place. */
const CHANGING = new Set([
  'copyWithin',
  'fill',
  'pop',
  'push',
  'reverse',
  'shift',
  'sort',
  'splice',
  'unshift',
]);

/**
 * State of a workflow module outlives a workflow and is shared by others, in the order in which a worker happens to run
 * them: what is read from it differs on replay.
 */
export const noModuleState: Rule = {
  meta: { type: 'problem', docs: { description: 'workflow modules have no state' } },
  create(context) {
    /** Constants that hold a value of several parts, by their name. */
    const tables = new Map<string, Node>();
    const report = (node: Node): void =>
      context.report({
        node,
        message:
          'workflows of one worker share their modules, so state here leaks from one into another and differs on replay; ' +
          'keep it inside the workflow function, or freeze it by its type (Readonly…)',
      });
    const change = (target: Node | null): void => {
      const name = changedBy(target);
      const table = tables.get(name);
      if (table === undefined) return;
      tables.delete(name);
      report(table);
    };
    return {
      Program(program) {
        for (const statement of childrenOf(program, 'body')) {
          const declaration =
            statement.type === 'ExportNamedDeclaration' ? childOf(statement, 'declaration') : statement;
          if (declaration?.type !== 'VariableDeclaration' || declaration['declare'] === true) continue;
          if (declaration['kind'] === 'let' || declaration['kind'] === 'var') report(declaration);
          else
            for (const declarator of childrenOf(declaration, 'declarations'))
              if (isGrowing(declarator)) report(declarator);
              else if (LITERALS.has(unwrap(childOf(declarator, 'init'))?.type ?? ''))
                tables.set(nameOf(childOf(declarator, 'id')), declarator);
        }
      },
      AssignmentExpression: (node) => change(childOf(node, 'left')),
      UpdateExpression: (node) => change(childOf(node, 'argument')),
      UnaryExpression(node) {
        if (node['operator'] === 'delete') change(childOf(node, 'argument'));
      },
      CallExpression(node) {
        const callee = childOf(node, 'callee');
        if (CHANGING.has(nameOf(callee).split('.').at(-1) ?? '')) change(callee);
      },
    };
  },
};

/** The name of what an assignment to a member changes; empty for anything else. */
function changedBy(target: Node | null): string {
  let object = unwrap(target);
  if (object?.type !== 'MemberExpression') return '';
  while (object?.type === 'MemberExpression') object = unwrap(childOf(object, 'object'));
  return nameOf(object);
}

/** A collection that can grow, or an empty one that has no other use. */
function isGrowing(declarator: Node): boolean {
  const given = childOf(declarator, 'init');
  const init = unwrap(given);
  const annotation = childOf(childOf(declarator, 'id'), 'typeAnnotation');
  if (init === null || isReadonly(annotation)) return false;
  // Of several `as`, the last one says what it is.
  if (given?.type === 'TSAsExpression' && isReadonly(given)) return false;
  if (init.type === 'NewExpression') return COLLECTIONS.has(nameOf(childOf(init, 'callee')));
  if (init.type === 'ArrayExpression') return childrenOf(init, 'elements').length === 0;
  return init.type === 'ObjectExpression' && childrenOf(init, 'properties').length === 0;
}

/** Of a node that states a type: `: readonly T[]`, `as ReadonlyMap<…>`, `as const`. */
function isReadonly(stating: Node | null): boolean {
  const type = childOf(stating, 'typeAnnotation');
  if (type === null) return false;
  if (type.type === 'TSTypeOperator') return type['operator'] === 'readonly';
  const name = nameOf(childOf(type, 'typeName'));
  return name === 'const' || name.startsWith('Readonly');
}
