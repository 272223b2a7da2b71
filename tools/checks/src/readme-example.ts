/**
 * Finds the example of a README: the first code block whose first line is `// example`.
 * @returns the code, or undefined if there is none
 */
export function readmeExample(markdown: string): string | undefined {
  for (const [, code] of markdown.matchAll(/^```\w*\n([^]*?)^```$/gm))
    if (code?.startsWith('// example\n') === true) return code;
  return undefined;
}
