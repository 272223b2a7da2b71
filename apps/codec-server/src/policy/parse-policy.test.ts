import { describe, expect, test } from '@jest/globals';
import { parsePolicy } from './parse-policy.ts';

const rule = `  - roles: [developer]
    namespaces: [test]
    domains: [dispatch]
    actions: [decode]
`;

test('a policy is YAML, or JSON, and means the same in both', () => {
  const policy = parsePolicy(`version: 1\nelevated: []\nrules:\n${rule}...\n`, 'policy.yaml');
  expect(policy).toEqual({
    version: 1,
    elevated: [],
    rules: [{ roles: ['developer'], namespaces: ['test'], domains: ['dispatch'], actions: ['decode'] }],
  });
  expect(parsePolicy(JSON.stringify(policy), 'policy.json')).toEqual(policy);
});

describe('a policy that was cut off', () => {
  const elevated = `elevated:
  - { namespaces: [production], roles: [production-access] }
  - namespaces:
      - test
      - prod-*
    roles: [ops] # all of them
`;
  const rules = `rules:\n${rule}  - roles: [support]\n    namespaces: ['*']\n    domains: ["*"]\n    actions:\n      - decode\n      - download\n`;
  const json = JSON.stringify(parsePolicy(`version: 1\n${elevated}${rules}...\n`, 'p'), null, 2);

  test.each([
    ['elevated first', `version: 1\n${elevated}${rules}...\n`],
    ['elevated last', `# Ours\nversion: 1\n${rules}${elevated}...\n`],
    ['elevated last, and a comment behind the end', `---\nversion: 1\n${rules}${elevated}...\n# the end\n`],
    ['lines of Windows', `version: 1\n${rules}${elevated}...\n`.replaceAll('\n', '\r\n')],
    ['JSON', json],
    ['JSON in one line, with a comment', `# Ours\n${JSON.stringify(JSON.parse(json))}\n`],
  ])('anywhere is refused: %s', (_, text) => {
    const whole = parsePolicy(text, 'p');
    let refused = 0;
    for (let length = 0; length < text.length; length++) {
      try {
        // What lacks no more than a line break or a comment is the same policy.
        expect(parsePolicy(text.slice(0, length), 'p')).toEqual(whole);
      } catch (error) {
        expect(error).toMatchObject({ code: 'POLICY_INVALID' });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(text.length - 16);
  });

  test('is named with the line where it ends', () => {
    expect(() => parsePolicy(`version: 1\n${elevated}${rules}`, 'policy.yaml')).toThrow(
      'policy.yaml, line 19, column 1: it does not end in a line of three dots (...), so it may have been cut off here.',
    );
  });
});

describe('a policy that is wrong is refused with line, column and reason:', () => {
  test.each([
    ['nothing', '', 'line 1, column 1: expected an object'],
    ['a text', 'allow everything', 'line 1, column 1: expected an object'],
    ['no version', `elevated: []\nrules:\n${rule}`, 'line 1, column 1: version: is missing'],
    [
      'another version',
      `version: 2\nelevated: []\nrules:\n${rule}`,
      'line 1, column 10: version: expected 1',
    ],
    ['no rules', 'version: 1\nelevated: []\n', 'line 1, column 1: rules: is missing'],
    ['no elevated namespaces', `version: 1\nrules:\n${rule}`, 'line 1, column 1: elevated: is missing'],
    [
      'a misspelt action',
      `version: 1\nelevated: []\nrules:\n${rule.replace('[decode]', '[decode, decrypt]')}`,
      'line 7, column 23: rules.0.actions.1: expected ("decode" | "encode" | "download")',
    ],
    [
      'a misspelt key',
      `version: 1\nelevated: []\nrules:\n${rule}    rolez: [admin]\n`,
      'line 8, column 12: rules.0.rolez: this key is not known',
    ],
    [
      'a rule without domains',
      `version: 1\nelevated: []\nrules:\n${rule.replace('    domains: [dispatch]\n', '')}`,
      'line 4, column 5: rules.0.domains: is missing',
    ],
    [
      'an empty list of roles',
      `version: 1\nelevated: []\nrules:\n${rule.replace('[developer]', '[]')}`,
      'line 4, column 12: rules.0.roles: expected at least one role',
    ],
    [
      'a role for everybody',
      `version: 1\nelevated: []\nrules:\n${rule.replace('[developer]', "['*']")}`,
      'line 4, column 13: rules.0.roles.0: expected the name of a role: 1 to 128 characters, and no *',
    ],
    [
      'a namespace that is none',
      `version: 1\nelevated: []\nrules:\n${rule.replace('[test]', '[a/b]')}`,
      'line 5, column 18: rules.0.namespaces.0: expected a namespace; * stands for any text',
    ],
    [
      'a domain that is a number',
      `version: 1\nelevated: []\nrules:\n${rule.replace('[dispatch]', '[7]')}`,
      'line 6, column 15: rules.0.domains.0: expected string',
    ],
    ['a key twice', `version: 1\nversion: 1\nrules:\n${rule}`, 'line 2, column 1: Map keys must be unique'],
    ['broken YAML', `version: 1\nrules: [\n`, 'line 3, column 1: '],
    ['a tab as indentation', `version: 1\nrules:\n\t- x\n`, 'line 3, column 1: '],
    ['two documents', `version: 1\nrules: []\n---\nversion: 1\n`, 'line 3, column 1: '],
    ['an unknown tag', `version: !!js/function 1\nrules: []\n`, 'line 1, column 10: '],
  ])('%s', (_, text, message) => {
    expect(() => parsePolicy(text, 'policy.yaml')).toThrow(
      expect.objectContaining({
        code: 'POLICY_INVALID',
        message: expect.stringContaining(`policy.yaml, ${message}`),
      }),
    );
  });

  test('a small file that would become a huge one', () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) => `x${i + 1}: &x${i + 1} [${`*x${i}, `.repeat(9)}*x${i}]`,
    );
    expect(() => parsePolicy(`x0: &x0 lol\n${levels.join('\n')}\n`, 'p')).toThrow(
      'The policy cannot be used: p',
    );
  });

  test('a file that is no policy by its size', () => {
    expect(() => parsePolicy('#'.repeat(1_048_577), 'p')).toThrow('longer than');
  });
});
