import ts from 'typescript';

/**
 * One place where a file asks for a module. Types count like values: a type import brings its package's types, and with
 * them Node's, into the program.
 *
 * @typedef {object} ImportSite
 * @property {string} specifier
 * @property {number} line from 1
 * @property {'import' | 'types-reference'} kind `types-reference` is `/// <reference types="…" />`
 */

/**
 * Finds every module that a file asks for by a literal: import and export declarations, `import()`, `require()`,
 * `require.resolve()`, `import.meta.resolve()`, import types, also those in JSDoc of JavaScript files, and module
 * augmentations.
 * @param {string} path decides the language
 * @param {string} text
 * @returns {readonly ImportSite[]} in the order of the text
 */
export function scanImports(path, text) {
  const isJavaScript = /\.[cm]?jsx?$/.test(path);
  const file = ts.createSourceFile(path, text, {
    languageVersion: ts.ScriptTarget.Latest,
    jsDocParsingMode: isJavaScript ? ts.JSDocParsingMode.ParseAll : ts.JSDocParsingMode.ParseNone,
  });
  /** @type {{ specifier: string, position: number, kind: ImportSite['kind'] }[]} */
  const found = file.typeReferenceDirectives.map(({ fileName, pos }) => ({
    specifier: fileName,
    position: pos,
    kind: 'types-reference',
  }));
  /** @param {ts.Node} node */
  const visit = (node) => {
    const literal = moduleLiteral(node);
    if (literal !== undefined)
      found.push({ specifier: literal.text, position: literal.getStart(file), kind: 'import' });
    if (isJavaScript) for (const comment of jsDocOf(node)) visit(comment);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found
    .toSorted((a, b) => a.position - b.position)
    .map(({ specifier, position, kind }) => ({
      specifier,
      kind,
      line: file.getLineAndCharacterOfPosition(position).line + 1,
    }));
}

/**
 * @param {ts.Node} node
 * @returns {ts.StringLiteralLike | undefined}
 */
function moduleLiteral(node) {
  const named = moduleExpression(node);
  return named !== undefined && ts.isStringLiteralLike(named) ? named : undefined;
}

/**
 * @param {ts.Node} node
 * @returns {ts.Node | undefined}
 */
function moduleExpression(node) {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isJSDocImportTag(node))
    return node.moduleSpecifier;
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (ts.isImportTypeNode(node))
    return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  if (ts.isModuleDeclaration(node)) return node.name;
  if (ts.isCallExpression(node) && asksForModule(node.expression)) return node.arguments[0];
  return undefined;
}

/** @param {ts.Expression} callee */
function asksForModule(callee) {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isIdentifier(callee)) return callee.text === 'require';
  if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 'resolve') return false;
  const owner = callee.expression;
  return ts.isMetaProperty(owner) || (ts.isIdentifier(owner) && owner.text === 'require');
}

/**
 * The compiler keeps comments beside the tree, without a public way to walk them all.
 * @param {ts.Node} node
 * @returns {readonly ts.Node[]}
 */
function jsDocOf(node) {
  return 'jsDoc' in node && Array.isArray(node.jsDoc) ? node.jsDoc : [];
}
