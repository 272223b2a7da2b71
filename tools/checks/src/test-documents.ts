import { posix } from 'node:path';

/** A document that a test reads although its result is cached without it. */
export interface UncachedDocument {
  readonly test: string;
  readonly target: 'test' | 'it';
  /** The input to add to the target in package.json. */
  readonly input: string;
}

/**
 * Finds the Markdown files that a test reads by `new URL('….md', import.meta.url)` and that are no input of its target.
 * Documents are left out of the inputs of all targets, so that an edit of one does not run every test; a test that reads
 * one has to name it, or its old result stays.
 * @param file of the test, relative to the root of the repository
 * @param inputsOf the inputs that a project names for a target, by the project's folder
 */
export function findUncachedDocuments(
  file: string,
  text: string,
  inputsOf: (folder: string, target: 'test' | 'it') => readonly unknown[],
): readonly UncachedDocument[] {
  const folder = file.split('/').slice(0, 2).join('/');
  const target = file.endsWith('.it.test.ts') ? 'it' : 'test';
  return [...text.matchAll(/new URL\(\s*'([^']+\.md)'/g)].flatMap(([, path = '']) => {
    const document = posix.join(posix.dirname(file), path);
    const input = document.startsWith(`${folder}/`)
      ? `{projectRoot}/${document.slice(folder.length + 1)}`
      : `{workspaceRoot}/${document}`;
    const inputs = inputsOf(folder, target);
    return inputs.includes(input) || inputs.includes('{workspaceRoot}/**/*')
      ? []
      : [{ test: file, target, input }];
  });
}
