import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { QueryError } from './errors.ts';
import { formatQuery } from './format-query.ts';
import { MAX_QUERY_DEPTH, MAX_QUERY_LENGTH, MAX_QUERY_TERMS, parseQuery } from './parse-query.ts';
import { listFields, type Query } from './query.ts';
import { stripPositions } from './testing/arbitrary-query.ts';

describe('a query text is parsed by precedence', () => {
  test.each([
    ['', '*'],
    ['*', '*'],
    ['a:1', 'a:"1"'],
    ['a:1 b:2', 'a:"1" AND b:"2"'],
    ['a:1 AND b:2 OR c:3', '(a:"1" AND b:"2") OR c:"3"'],
    ['a:1 OR b:2 c:3', 'a:"1" OR (b:"2" AND c:"3")'],
    ['NOT a:1 b:2', 'NOT a:"1" AND b:"2"'],
    ['NOT (a:1 b:2)', 'NOT (a:"1" AND b:"2")'],
    ['NOT NOT a:1', 'NOT NOT a:"1"'],
    ['((a:1))', 'a:"1"'],
    ['a:"x y" b:web-*', 'a:"x y" AND b:web-*'],
    ['a:http://host:80/x', 'a:"http://host:80/x"'],
    ['label.app_kubernetes.io/name:api', 'label.app_kubernetes.io/name:"api"'],
    ['a:"say \\"hi\\" \\\\ *"', 'a:"say \\"hi\\" \\\\ *"'],
    ['a:""', 'a:""'],
    ['a:**', 'a:*'],
    ['a:\\*x*', 'a:\\*x*'],
    ['and:or', 'and:"or"'],
    ['a:>5', 'a:>5'],
    ['a:>=+5.50', 'a:>=5.5'],
    ['a:<-0', 'a:<0'],
    ['a:<=1E3', 'a:<=1000'],
    ['a:>1e21', 'a:>1e+21'],
    ['a:">5"', 'a:">5"'],
    ['a:\\>5', 'a:">5"'],
    ['a:\\>5*', 'a:\\>5*'],
    ['a:=5', 'a:"=5"'],
    ['a:[1 TO 5]', 'a:[1 TO 5]'],
    ['a:{1 TO 5]', 'a:{1 TO 5]'],
    ['a:[ 1\tTO\n5 }', 'a:[1 TO 5}'],
    ['a:[* TO 5}', 'a:<5'],
    ['a:[1 TO *}', 'a:>=1'],
    ['a:{* TO *}', 'a:[* TO *]'],
    ['(a:[1 TO 5] OR b:>1)c:1', '(a:[1 TO 5] OR b:>1) AND c:"1"'],
    ['a:~Value', 'a:~"value"'],
    ['a:~"A É"', 'a:~"a É"'],
    ['a:~W*', 'a:~w*'],
    ['a:~*', 'a:*'],
    ['a:~>5', 'a:~">5"'],
    ['a:~~x', 'a:~"~x"'],
    ['a:~""', 'a:~""'],
    ['a:(x)', 'a:"x"'],
    ['a:(x OR "y z" OR >5 OR ~W? OR [1 TO 2])', 'a:("x" OR "y z" OR >5 OR ~w? OR [1 TO 2])'],
    ['a:( x\nOR y )', 'a:("x" OR "y")'],
    ['a:("OR" OR "(" OR *)', 'a:("OR" OR "(" OR *)'],
    ['a:1 OR a:2', 'a:("1" OR "2")'],
    ['NOT a:(1 OR 2) b:3', 'NOT a:("1" OR "2") AND b:"3"'],
    ['b:1 OR a:(1 OR 2)', 'b:"1" OR a:("1" OR "2")'],
  ])('%s', (text, canonical) => {
    expect(formatQuery(parseQuery(text))).toBe(canonical);
  });
});

describe('a name in quotes may contain any characters', () => {
  test.each([
    ['"host name":x', ['host name'], '"host name":"x"'],
    ['"größe":>5', ['größe'], '"größe":>5'],
    ['"@timestamp":*', ['@timestamp'], '"@timestamp":*'],
    ['label."host name":x', ['label.host name'], 'label."host name":"x"'],
    ['label."@timestamp".ms:x', ['label.@timestamp.ms'], 'label."@timestamp.ms":"x"'],
    ['a."b c".d."e f":x', ['a.b c.d.e f'], 'a."b c.d.e f":"x"'],
    ['a.b."c/ü":x', ['a.b.c/ü'], 'a.b."c/ü":"x"'],
    ['"a b"."c":x', ['a b.c'], '"a b.c":"x"'],
    ['"a:b":c', ['a:b'], '"a:b":"c"'],
    ['"a"."b":x', ['a.b'], 'a.b:"x"'],
    ['"team":x team:y', ['team'], 'team:"x" AND team:"y"'],
    ['"say \\"hi\\" \\\\":x', ['say "hi" \\'], '"say \\"hi\\" \\\\":"x"'],
    ['"":x', [''], '"":"x"'],
    ['label."":x', ['label.'], 'label.:"x"'],
    ['label.:x', ['label.'], 'label.:"x"'],
    ['"9":x "-a":x ".b":x', ['9', '-a', '.b'], '"9":"x" AND "-a":"x" AND ".b":"x"'],
    ['"AND":x NOT "NOT":x', ['AND', 'NOT'], 'AND:"x" AND NOT NOT:"x"'],
    ['"( OR )":(a OR b)', ['( OR )'], '"( OR )":("a" OR "b")'],
    ['("a b":x)"c d":y', ['a b', 'c d'], '"a b":"x" AND "c d":"y"'],
    ['a:[x "TO":y', ['a', 'TO'], 'a:"[x" AND TO:"y"'],
    ['"__proto__":x "constructor":y', ['__proto__', 'constructor'], '__proto__:"x" AND constructor:"y"'],
  ])('%s', (text, fields, canonical) => {
    const query = parseQuery(text);
    expect(listFields(query)).toEqual(fields);
    expect(formatQuery(query)).toBe(canonical);
  });
});

describe('a colon that may belong to a value or to a name', () => {
  test.each([
    ['a:b:c', 3, 'a:"b:c"', '"a:b":"c"'],
    ['x:1 a:b:c', 7, 'a:"b:c"', '"a:b":"c"'],
    ['image:nginx:1.25', 11, 'image:"nginx:1.25"', '"image:nginx":"1.25"'],
    ['instance:10.0.0.1:9100', 17, 'instance:"10.0.0.1:9100"', '"instance:10.0.0.1":"9100"'],
    ['ip:fe80::1', 7, 'ip:"fe80::1"', '"ip:fe80":":1"'],
    ['a:b:http://x', 3, 'a:"b:http://x"', '"a:b":"http://x"'],
    ['a:b:c*', 3, 'a:b\\:c*', '"a:b":c*'],
    ['a:b*:c', 4, 'a:b*\\:c', '"a:b*":"c"'],
    ['a:~B:C', 4, 'a:~"b:c"', '"a:~B":"C"'],
    ['a:b\\ c:d', 6, 'a:"b c:d"', '"a:b c":"d"'],
    ['a:b\\:c:d', 6, 'a:"b:c:d"', '"a:b:c":"d"'],
    ['a:b:', 3, 'a:"b:"', '"a:b":""'],
    ['a::b', 2, 'a:":b"', '"a:":"b"'],
    ['a:b:>5', 3, 'a:"b:>5"', '"a:b":>5'],
    ['a:b:>x', 3, 'a:"b:>x"', '"a:b":">x"'],
    ['a:[b:c', 4, 'a:"[b:c"', '"a:[b":"c"'],
    ['label."x y":b:c', 13, 'label."x y":"b:c"', 'label."x y:b":"c"'],
  ])('in %s is refused at %i with both ways to write it', (text, position, value, name) => {
    const refusal = readRefusal(text);
    expect(refusal).toMatchObject({ code: 'QUERY_AMBIGUOUS', position });
    const field = listFields(parseQuery(text)).at(-1);
    expect(refusal?.message).toBe(
      `the query does not parse at position ${position}: the colon may belong to the value or to the name of a ` +
        `field; write ${value} for the field ${field}, or ${name}`,
    );
    const leaf = (one: Query): Query => stripPositions(one.kind === 'and' ? one.operands.at(-1)! : one);
    expect(stripPositions(parseQuery(value, { strict: true }))).toEqual(leaf(parseQuery(text)));
    expect(listFields(parseQuery(name, { strict: true }))).not.toEqual([field]);
  });

  test('in a value set is refused as well', () => {
    expect(readRefusal('a:(x OR b:c OR d)')).toMatchObject({ code: 'QUERY_AMBIGUOUS', position: 9 });
    expect(readRefusal('a:(x OR b:c OR d)')?.message).toMatch(
      /; write "b:c" for a value of a, or b:"c" outside of these parentheses$/,
    );
  });

  test('in a long value is refused without repeating it', () => {
    expect(readRefusal(`a:${'x'.repeat(300)}:y`)?.message).toBe(
      'the query does not parse at position 302: the colon may belong to the value or to the name of a field; ' +
        'quote the value, or the whole name of the field',
    );
  });

  test.each([
    'a:"b:c"',
    'a:~"b:c"',
    'a:b\\:c',
    '"a:b":c',
    'a:http://host:80/x',
    'a:~http://host:80/x',
    'a:*://host:80/*',
    'a:(http://x OR "b:c")',
    'a:[1 TO 5]',
    'a:>5 b:c',
    'a:[x b:c',
  ])('is none in %s', (text) => {
    expect(parseQuery(text, { strict: true })).toEqual(parseQuery(text));
  });

  test('is only refused in strict mode; otherwise it belongs to the value', () => {
    expect(formatQuery(parseQuery('a:b:c'))).toBe('a:"b:c"');
    expect(formatQuery(parseQuery('a:b:c', { strict: false }))).toBe('a:"b:c"');
    expect(formatQuery(parseQuery('a:(b:c OR :)'))).toBe('a:("b:c" OR ":")');
  });

  test('is refused for any value whose colon is not escaped, and the first way to write it means the same', () => {
    const unit = fc.constantFrom(...String.raw`a b : : * ? ~ > \: \ \  .`.split(' '), '\\ ');
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1, maxLength: 6 }), (value) => {
        const text = `a:${value}`;
        let parsed: Query;
        try {
          parsed = parseQuery(text);
        } catch {
          return;
        }
        // An escaped backslash before a space ends the value, and what follows is another term.
        if (parsed.kind !== 'term') return;
        const refusal = readRefusal(text);
        const first = value.replaceAll(/\\[^]/g, '--').indexOf(':');
        expect(refusal?.position).toBe(first < 0 ? undefined : first + 2);
        if (refusal === undefined) return;
        const readings = /write (.*) for the field a, or (.*)$/.exec(refusal.message);
        expect(stripPositions(parseQuery(readings?.[1] ?? '', { strict: true }))).toEqual(
          stripPositions(parsed),
        );
        expect(listFields(parseQuery(readings?.[2] ?? '', { strict: true }))).toEqual([
          `a:${value.slice(0, first).replaceAll(/\\([^])/g, '$1')}`,
        ]);
      }),
      { numRuns: 2000 },
    );
  });
});

function readRefusal(text: string): QueryError | undefined {
  try {
    parseQuery(text, { strict: true });
    return undefined;
  } catch (error) {
    if (error instanceof QueryError) return error;
    throw error;
  }
}

describe('an invalid query is rejected with the position of the first unexpected character', () => {
  test.each([
    ['a', 'QUERY_UNEXPECTED_END', 1],
    ['a b:1', 'QUERY_UNEXPECTED_TOKEN', 1],
    ['a:', 'QUERY_VALUE_EXPECTED', 2],
    ['a: b:1', 'QUERY_VALUE_EXPECTED', 2],
    [':1', 'QUERY_FIELD_EXPECTED', 0],
    ['a:1 AND', 'QUERY_UNEXPECTED_END', 7],
    ['a:1 OR OR b:2', 'QUERY_UNEXPECTED_TOKEN', 7],
    ['(a:1', 'QUERY_UNEXPECTED_END', 4],
    ['a:1)', 'QUERY_UNEXPECTED_TOKEN', 3],
    ['()', 'QUERY_UNEXPECTED_TOKEN', 1],
    ['a:"x', 'QUERY_UNTERMINATED_QUOTE', 2],
    ['a:"x"y', 'QUERY_UNEXPECTED_TOKEN', 5],
    ['a:x"y"', 'QUERY_UNEXPECTED_TOKEN', 3],
    ['a:x\\', 'QUERY_UNEXPECTED_END', 4],
    ['NOT', 'QUERY_UNEXPECTED_END', 3],
    ['a:1 && b:2', 'QUERY_FIELD_EXPECTED', 4],
    ['größe:1', 'QUERY_UNEXPECTED_TOKEN', 2],
    ['@timestamp:*', 'QUERY_FIELD_EXPECTED', 0],
    ['host name:x', 'QUERY_UNEXPECTED_TOKEN', 4],
    ['"host name', 'QUERY_UNTERMINATED_QUOTE', 0],
    ['"host name"', 'QUERY_UNEXPECTED_END', 11],
    ['"host name" :x', 'QUERY_UNEXPECTED_TOKEN', 11],
    ['"host name":', 'QUERY_VALUE_EXPECTED', 12],
    ['"a""b":x', 'QUERY_UNEXPECTED_TOKEN', 3],
    ['"a"b:x', 'QUERY_UNEXPECTED_TOKEN', 3],
    ['a"b":x', 'QUERY_UNEXPECTED_TOKEN', 1],
    ['a."b"c:x', 'QUERY_UNEXPECTED_TOKEN', 5],
    ['a."b', 'QUERY_UNTERMINATED_QUOTE', 2],
    ['a:>', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:>x', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:>=', 'QUERY_NUMBER_EXPECTED', 4],
    ['a:> 5', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:>"5"', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:<>5', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:>5ms', 'QUERY_UNEXPECTED_TOKEN', 4],
    ['a:>0x10', 'QUERY_UNEXPECTED_TOKEN', 4],
    ['a:>5*', 'QUERY_UNEXPECTED_TOKEN', 4],
    ['a:>1e400', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:>Infinity', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:[1 TO x]', 'QUERY_NUMBER_EXPECTED', 8],
    ['a:[x TO 1]', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:[1x TO 1]', 'QUERY_UNEXPECTED_TOKEN', 4],
    ['a:[1 TO 5', 'QUERY_UNEXPECTED_END', 9],
    ['a:[1 TO 5)', 'QUERY_UNEXPECTED_TOKEN', 9],
    ['a:[1 TO', 'QUERY_NUMBER_EXPECTED', 7],
    ['a:[1 TO 5]x', 'QUERY_UNEXPECTED_TOKEN', 10],
    ['a:~', 'QUERY_VALUE_EXPECTED', 3],
    ['a:~"x', 'QUERY_UNTERMINATED_QUOTE', 3],
    ['a:()', 'QUERY_VALUE_EXPECTED', 3],
    ['a:(', 'QUERY_UNEXPECTED_END', 3],
    ['a:(x', 'QUERY_UNEXPECTED_END', 4],
    ['a:(x OR', 'QUERY_UNEXPECTED_END', 7],
    ['a:(x OR)', 'QUERY_VALUE_EXPECTED', 7],
    ['a:(x y)', 'QUERY_UNEXPECTED_TOKEN', 5],
    ['a:(x AND y)', 'QUERY_UNEXPECTED_TOKEN', 5],
    ['a:(NOT x)', 'QUERY_UNEXPECTED_TOKEN', 3],
    ['a:(x OR OR y)', 'QUERY_UNEXPECTED_TOKEN', 8],
    ['a:(x OR (y))', 'QUERY_VALUE_EXPECTED', 8],
    ['a:(x)y', 'QUERY_UNEXPECTED_TOKEN', 5],
    ['a:("x"y)', 'QUERY_UNEXPECTED_TOKEN', 6],
  ])('%s', (text, code, position) => {
    expect(() => parseQuery(text)).toThrow(expect.objectContaining({ code, position }));
  });
});

describe('a bracket that starts no range starts an ordinary value', () => {
  test.each([
    ['a:[warning]', 'a:"[warning]"'],
    ['a:{x}', 'a:"{x}"'],
    ['a:[', 'a:"["'],
    ['a:[1 b:2', 'a:"[1" AND b:"2"'],
    ['a:[1 TO:5', 'a:"[1" AND TO:"5"'],
    ['a:[1 TOTAL:5', 'a:"[1" AND TOTAL:"5"'],
    ['a:[x:1 TO.y:5', 'a:"[x:1" AND TO.y:"5"'],
    ['a:[ b:"x TO y"', 'a:"[" AND b:"x TO y"'],
    ['a:[\\ TO b:1', 'a:"[ TO" AND b:"1"'],
    ['a:[* b:1', 'a:[* AND b:"1"'],
    ['a:x~ b:a>5 c:x[1', 'a:"x~" AND b:"a>5" AND c:"x[1"'],
  ])('%s', (text, canonical) => {
    expect(formatQuery(parseQuery(text))).toBe(canonical);
  });
});

test('any text either parses or is rejected with a position inside it', () => {
  const word = fc.constantFrom(
    ' ',
    ...String.raw`a : ( ) " * \ AND NOT OR 1 > <= [ } TO ~ a: a:[ . "é" ". ":`.split(' '),
  );
  fc.assert(
    fc.property(fc.string({ unit: word, maxLength: 12 }), (text) => {
      try {
        const query = parseQuery(text);
        expect(stripPositions(parseQuery(formatQuery(query), { strict: true }))).toEqual(
          stripPositions(query),
        );
      } catch (error) {
        if (!(error instanceof QueryError)) throw error;
        expect(error.position).toBeLessThanOrEqual(text.length);
      }
    }),
    { numRuns: 5000 },
  );
});

test('a message names the position and what was expected', () => {
  const readMessage = (text: string): string => {
    try {
      parseQuery(text);
      return 'parsed';
    } catch (error) {
      return error instanceof QueryError ? error.message : 'other';
    }
  };
  expect(readMessage('severity:critical AND team:')).toBe(
    'the query does not parse at position 27: expected a value after ":"; write "" for an empty value',
  );
  expect(readMessage('a:1 OR')).toBe(
    'the query does not parse at position 6: expected field:value, NOT or "(", found the end of the query',
  );
  expect(readMessage('a:"x"y')).toBe(
    'the query does not parse at position 5: expected a space or ")" after the value, found "y"',
  );
  expect(readMessage('host name:x')).toBe(
    'the query does not parse at position 4: expected ":" after the field host, found " "; quote a name with other ' +
      'characters than letters, digits and _ . / -, as in "host name":x',
  );
  expect(readMessage('a😀:x')).toMatch('found "😀"');
  expect(readMessage('@timestamp:x')).toBe(
    'the query does not parse at position 0: expected field:value, found "@"; a field starts with a letter or "_"; ' +
      'quote a name with other characters than letters, digits and _ . / -, as in "host name":x',
  );
  expect(readMessage(`a:${'x'.repeat(MAX_QUERY_LENGTH)}`)).toBe(
    `the query does not parse at position ${MAX_QUERY_LENGTH}: expected at most 4096 characters, found 4098`,
  );
});

describe('every message says what was expected and what was found', () => {
  const deep = `${'('.repeat(MAX_QUERY_DEPTH + 2)}a:1`;
  test.each([
    ['a', 'expected ":" after the field a, found the end of the query'],
    ['"a b"', 'expected ":" after the field "a b", found the end of the query'],
    ['a:', 'expected a value after ":"; write "" for an empty value'],
    ['a:~', 'expected a value after "~"; write "" for an empty value'],
    ['a:(x OR )', 'expected a value after " "; write "" for an empty value'],
    ['a:"x', 'expected a closing quote (")'],
    ['a:x\\', 'expected a character after the backslash, found the end of the query'],
    ['a:>x', 'expected a finite decimal number; quote the value to compare it as text'],
    ['a:[1 TO 1e400]', 'expected a finite decimal number; quote the value to compare it as text'],
    ['a:[1x TO 1]', 'expected TO in the range, found "x"'],
    ['a:[1 TO 5', 'expected "]" or "}" in the range, found the end of the query'],
    ['a:[1 TO 5)', 'expected "]" or "}" in the range, found ")"'],
    ['a:("x"y)', 'expected a space or ")" after the value, found "y"'],
    ['a:(x AND y)', 'expected OR or ")" after a value in parentheses'],
    ['a:(OR', 'expected a value, found OR; quote it to use it as a value'],
    ['a:(NOT x)', 'expected a value, found NOT; quote it to use it as a value'],
    ['a:(', 'expected a value, OR or ")", found the end of the query'],
    ['a:(x', 'expected a value, OR or ")", found the end of the query'],
    ['a:1)', 'expected AND, OR or the end of the query, found ")"'],
    ['(a:1', 'expected ")", found the end of the query'],
    ['()', 'expected field:value, NOT or "(", found ")"'],
    ['a:1 AND AND b:2', 'expected field:value, NOT or "(", found AND'],
    ['OR a:1', 'expected field:value, NOT or "(", found OR'],
    ['NOT', 'expected field:value, NOT or "(", found the end of the query'],
    [deep, 'expected at most 32 levels of nesting'],
    ['a:1 '.repeat(MAX_QUERY_TERMS + 1), 'expected at most 256 terms'],
  ])('%s', (text, message) => {
    const parse = (): Query => parseQuery(text);
    expect(parse).toThrow(expect.objectContaining({ name: 'QueryError' }));
    expect(parse).toThrow(
      new RegExp(`^the query does not parse at position \\d+: ${escapeRegExp(message)}$`),
    );
  });
});

function escapeRegExp(text: string): string {
  return text.replaceAll(/[()"[\]{}.?]/g, String.raw`\$&`);
}

test('length, nesting depth and number of terms are limited', () => {
  const readErrorCode = (text: string): string => {
    try {
      parseQuery(text);
      return 'parsed';
    } catch (error) {
      return error instanceof QueryError ? error.code : 'other';
    }
  };
  expect(readErrorCode(`a:${'x'.repeat(MAX_QUERY_LENGTH)}`)).toBe('QUERY_TOO_LONG');
  expect(readErrorCode(`${'('.repeat(MAX_QUERY_DEPTH)}a:1${')'.repeat(MAX_QUERY_DEPTH)}`)).toBe('parsed');
  expect(readErrorCode(`${'('.repeat(MAX_QUERY_DEPTH + 2)}a:1`)).toBe('QUERY_TOO_COMPLEX');
  expect(readErrorCode('a:1 '.repeat(MAX_QUERY_TERMS))).toBe('parsed');
  expect(readErrorCode('a:1 '.repeat(MAX_QUERY_TERMS + 1))).toBe('QUERY_TOO_COMPLEX');
  expect(readErrorCode(`a:(1${' OR 1'.repeat(MAX_QUERY_TERMS - 1)})`)).toBe('parsed');
  expect(readErrorCode(`a:(1${' OR 1'.repeat(MAX_QUERY_TERMS)})`)).toBe('QUERY_TOO_COMPLEX');
});

test('the fields of a query are listed without duplicates', () => {
  expect(listFields(parseQuery('b:1 (a:>2 OR NOT b:3)'))).toEqual(['b', 'a']);
});
