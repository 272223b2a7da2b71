import ts from 'typescript';

/**
 * One place where a file asks for a module. Types count like values: a type import brings its package's types, and with
 * them Node's, into the program.
 */
export interface ImportSite {
  readonly specifier: string;
  /** From 1. */
  readonly line: number;
  /** `types-reference` is `/// <reference types="…" />`. */
  readonly kind: 'import' | 'types-reference';
}

/**
 * Finds every module that a file asks for by a literal: import and export declarations, `import()`, `require()`,
 * `require.resolve()`, `import.meta.resolve()`, import types, also those in JSDoc of JavaScript files, and module
 * augmentations.
 * @param path decides the language
 * @returns in the order of the text
 */
export function scanImports(path: string, text: string): readonly ImportSite[] {
  const isJavaScript = /\.[cm]?jsx?$/.test(path);
  const file = ts.createSourceFile(path, text, {
    languageVersion: ts.ScriptTarget.Latest,
    jsDocParsingMode: isJavaScript ? ts.JSDocParsingMode.ParseAll : ts.JSDocParsingMode.ParseNone,
  });

  const found: { specifier: string; position: number; kind: ImportSite['kind'] }[] =
    file.typeReferenceDirectives.map(({ fileName, pos }) => ({
      specifier: fileName,
      position: pos,
      kind: 'types-reference',
    }));

  const visit = (node: ts.Node) => {
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

function moduleLiteral(node: ts.Node): ts.StringLiteralLike | undefined {
  const named = moduleExpression(node);
  return named !== undefined && ts.isStringLiteralLike(named) ? named : undefined;
}

function moduleExpression(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isJSDocImportTag(node))
    return node.moduleSpecifier;
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (ts.isImportTypeNode(node))
    return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  if (ts.isModuleDeclaration(node)) return node.name;
  if (ts.isCallExpression(node) && asksForModule(node.expression)) return node.arguments[0];
  return undefined;
}

function asksForModule(callee: ts.Expression) {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isIdentifier(callee)) return callee.text === 'require';
  if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 'resolve') return false;
  const owner = callee.expression;
  return ts.isMetaProperty(owner) || (ts.isIdentifier(owner) && owner.text === 'require');
}

/** The compiler keeps comments beside the tree, without a public way to walk them all. */
function jsDocOf(node: ts.Node): readonly ts.Node[] {
  return 'jsDoc' in node && Array.isArray(node.jsDoc) ? node.jsDoc : [];
}
