/**
 * Finds the example of a README: the first code block whose first line is `// example`.
 * @param {string} markdown
 * @returns {string | undefined} the code, or undefined where there is none
 */
export function readmeExample(markdown) {
  for (const [, code] of markdown.matchAll(/^```\w*\n([^]*?)^```$/gm))
    if (code?.startsWith('// example\n') === true) return code;
  return undefined;
}
