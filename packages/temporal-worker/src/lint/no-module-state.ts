import { childOf, childrenOf, nameOf, type Node, type Rule } from './rule.ts';

const COLLECTIONS = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Array']);

/**
 * State of a workflow module outlives a workflow and is shared by others, in the order in which a worker happens to run
 * them: what is read from it differs on replay.
 */
export const noModuleState: Rule = {
  meta: { type: 'problem', docs: { description: 'workflow modules have no state' } },
  create(context) {
    const report = (node: Node): void =>
      context.report({
        node,
        message:
          'workflows of one worker share their modules, so state here leaks from one into another and differs on replay; ' +
          'keep it inside the workflow function, or freeze it by its type (Readonly…)',
      });
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
        }
      },
    };
  },
};

/** A collection that can grow, or an empty one that has no other use. */
function isGrowing(declarator: Node): boolean {
  const init = childOf(declarator, 'init');
  if (init === null || isReadonly(childOf(childOf(declarator, 'id'), 'typeAnnotation'))) return false;
  if (init.type === 'NewExpression') return COLLECTIONS.has(nameOf(childOf(init, 'callee')));
  if (init.type === 'ArrayExpression') return childrenOf(init, 'elements').length === 0;
  return init.type === 'ObjectExpression' && childrenOf(init, 'properties').length === 0;
}

function isReadonly(annotation: Node | null): boolean {
  const type = childOf(annotation, 'typeAnnotation');
  if (type === null) return false;
  if (type.type === 'TSTypeOperator') return type['operator'] === 'readonly';
  return nameOf(childOf(type, 'typeName')).startsWith('Readonly');
}
