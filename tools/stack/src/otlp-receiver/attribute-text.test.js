import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { attributeText } from './attribute-text.js';

/** @param {unknown[]} values */
const array = (...values) => ({ arrayValue: { values } });
/** @param {[string, unknown][]} entries */
const map = (...entries) => ({ kvlistValue: { values: entries.map(([key, value]) => ({ key, value })) } });

/** @type {[unknown, string][]} */
const TEXTS = [
  [undefined, ''],
  [null, ''],
  [{}, ''],
  [{ futureValue: 1 }, ''],
  [{ stringValue: 'a "b"' }, 'a "b"'],
  [{ stringValue: '' }, ''],
  [{ stringValue: 'half \ud800 of a pair' }, 'half \ufffd of a pair'],
  [{ boolValue: true }, 'true'],
  [{ boolValue: false }, 'false'],
  [{ intValue: 42 }, '42'],
  [{ intValue: '-9223372036854775808' }, '-9223372036854775808'],
  [{ intValue: 1e300 }, '1e+300'],
  [{ doubleValue: 0.5 }, '0.5'],
  [{ doubleValue: 2 }, '2'],
  [{ doubleValue: -0 }, '-0'],
  [{ doubleValue: 1e21 }, '1e+21'],
  [{ doubleValue: 1.5e-7 }, '1.5e-7'],
  [{ doubleValue: '2.5' }, '2.5'],
  [{ doubleValue: 'NaN' }, 'json: unsupported value: NaN'],
  [{ doubleValue: '-Infinity' }, 'json: unsupported value: -Inf'],
  [{ doubleValue: 'Infinity' }, 'json: unsupported value: +Inf'],
  [{ doubleValue: null }, ''],
  [{ bytesValue: 'AQL/' }, 'AQL/'],
  [{ bytesValue: '-_8' }, '+/8='],
  [array(), '[]'],
  [{ arrayValue: {} }, '[]'],
  [array({ stringValue: 'a' }, { intValue: '1' }, { boolValue: true }, {}), '["a",1,true,null]'],
  [array({ intValue: '9223372036854775807' }), '[9223372036854775807]'],
  [array({ bytesValue: 'AQI=' }), '["AQI="]'],
  [array({ stringValue: '<&>\u2028' }), String.raw`["<&>\u2028"]`],
  [array({ doubleValue: 'NaN' }), ''],
  [{ kvlistValue: {} }, '{}'],
  [map(['b', { intValue: 1 }], ['a', array({ doubleValue: 0.5 })]), '{"a":[0.5],"b":1}'],
  [map(['a', { intValue: 1 }], ['a', { intValue: 2 }]), '{"a":2}'],
  [map(['a', map(['__proto__', map()])]), '{"a":{"__proto__":{}}}'],
  [map(['a', array({ doubleValue: 'Infinity' })]), ''],
];

test.each(TEXTS)('%j is written as %j', (value, text) => {
  expect(attributeText(value, 'value')).toBe(text);
});

/** @type {[unknown, string][]} */
const MALFORMED = [
  ['text', 'value must be an object'],
  [[], 'value must be an object'],
  [{ stringValue: 1 }, 'value.stringValue must be a string'],
  [{ boolValue: 'true' }, 'value.boolValue must be true or false'],
  [{ intValue: 1.5 }, 'value.intValue must be a 64-bit integer, or a string with one'],
  [{ intValue: '9223372036854775808' }, 'value.intValue must be a 64-bit integer, or a string with one'],
  [{ intValue: '' }, 'value.intValue must be a 64-bit integer, or a string with one'],
  [{ doubleValue: 'much' }, 'value.doubleValue must be a number'],
  [{ doubleValue: '' }, 'value.doubleValue must be a number'],
  [{ bytesValue: [1] }, 'value.bytesValue must be a string'],
  [{ arrayValue: { values: {} } }, 'value.arrayValue.values must be an array'],
  [array({}, 7), 'value.arrayValue.values[1] must be an object'],
  [{ kvlistValue: { values: [{ key: 5 }] } }, 'value.kvlistValue.values[0].key must be a string'],
];

test.each(MALFORMED)('%j is refused: %s', (value, message) => {
  expect(() => attributeText(value, 'value')).toThrow(expect.objectContaining({ status: 400, message }));
});

test('a value that is nested without end is refused', () => {
  /** @type {unknown} */
  let value = {};
  for (let depth = 0; depth < 10_000; depth++) value = array(value);
  expect(() => attributeText(value, 'value')).toThrow(/nested deeper than 64 levels/);
});

describe('what an array or a map is written as', () => {
  /** @type {fc.Arbitrary<import('fast-check').JsonValue>} */
  const json = fc.jsonValue({ noUnicodeString: false });

  test('is the JSON of the same value', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(attributeText(array(toAny(value)), 'value'))).toEqual([value]);
      }),
    );
  });
});

/**
 * Writes JSON as OTLP does.
 * @param {unknown} value
 * @returns {unknown}
 */
function toAny(value) {
  if (value === null) return {};
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return { doubleValue: value };
  if (Array.isArray(value)) return array(...value.map(toAny));
  return map(
    ...Object.entries(value ?? {}).map(([key, it]) => /** @type {[string, unknown]} */ ([key, toAny(it)])),
  );
}
