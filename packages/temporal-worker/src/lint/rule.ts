/** A node of the syntax tree, in ESTree's form. */
export interface Node {
  readonly type: string;
  readonly [property: string]: unknown;
}

/** What a rule sees of the linter. */
export interface RuleContext {
  report(problem: { readonly node: Node; readonly message: string }): void;
}

/** A rule in the form that ESLint and oxlint share. */
export interface Rule {
  readonly meta: { readonly type: 'problem'; readonly docs: { readonly description: string } };
  create(context: RuleContext): Readonly<Record<string, (node: Node) => void>>;
}

/** A child node, or null. */
export function childOf(node: Node | null, property: string): Node | null {
  const child = node?.[property];
  return isNode(child) ? child : null;
}

/** Child nodes of a list, without its holes. */
export function childrenOf(node: Node | null, property: string): readonly Node[] {
  const children = node?.[property];
  return Array.isArray(children) ? children.filter(isNode) : [];
}

/** `name` of an identifier, `object.name` of a member; empty for anything else. */
export function nameOf(node: Node | null): string {
  if (node === null) return '';
  if (node.type === 'Identifier') return typeof node['name'] === 'string' ? node['name'] : '';
  if (node.type !== 'MemberExpression') return '';
  const object = nameOf(childOf(node, 'object'));
  return `${object === '' ? '?' : object}.${nameOf(childOf(node, 'property'))}`;
}

const WRAPPERS = new Set([
  'ChainExpression',
  'ParenthesizedExpression',
  'TSAsExpression',
  'TSNonNullExpression',
  'TSSatisfiesExpression',
  'TSTypeAssertion',
]);

/** An expression without parentheses, and without what only the compiler sees of it. */
export function unwrap(node: Node | null): Node | null {
  let inner = node;
  while (inner !== null && WRAPPERS.has(inner.type)) inner = childOf(inner, 'expression');
  return inner;
}

/** Whether it is a function, of any form. */
export function isFunction(node: Node): boolean {
  return /Function/.test(node.type) && !node.type.startsWith('TS');
}

/** Calls `visit` for the node and everything below it; what it returns false for is not entered. */
export function walk(node: Node, visit: (node: Node) => boolean): void {
  if (!visit(node)) return;
  for (const [property, value] of Object.entries(node)) {
    if (property === 'parent') continue;
    const children: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const child of children) if (isNode(child)) walk(child, visit);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
