import { expect, test } from '@jest/globals';
import { readmeExample } from './readme-example.ts';

const block = (language: string, code: string) => `\`\`\`${language}\n${code}\`\`\`\n`;

test.each(['js', 'ts', ''])('the marked block is found, in %j', (language) => {
  const readme = `# a\n\n${block('sh', 'npm test\n')}\n${block(language, '// example\nconst a = `b`;\n')}\n${block('js', 'last();\n')}`;
  expect(readmeExample(readme)).toBe('// example\nconst a = `b`;\n');
});

test.each([
  ['no block', '# a\n'],
  ['no mark', block('js', 'first();\n')],
  ['the mark is not on the first line', block('js', '\n// example\n')],
  ['the mark is longer', block('js', '// example of use\n')],
])('%s: there is no example', (_, readme) => {
  expect(readmeExample(readme)).toBeUndefined();
});
