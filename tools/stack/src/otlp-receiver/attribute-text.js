import { otlpErrors } from './otlp-error.js';

/** Deeper values are refused: nobody reads them, and recursion has an end. */
const DEEPEST = 64;

/**
 * Gives an attribute's value as the collector's exporter writes it into its map of texts: numbers and truth values in
 * JSON's spelling, bytes in base64, arrays and maps as JSON with sorted keys, nothing as the empty text.
 * @param {unknown} value OTLP's AnyValue in its JSON form
 * @param {string} path for the message when it is malformed
 * @returns {string}
 * @throws {import('./otlp-error.js').OtlpError} 400
 */
export function attributeText(value, path) {
  const read = readValue(value, path, 0);
  switch (read.kind) {
    case 'empty':
      return '';
    case 'text':
      return read.text;
    case 'literal':
      return read.text;
    case 'not-finite':
      return `json: unsupported value: ${read.text}`;
    case 'composite':
      return read.json ?? '';
  }
}

/**
 * @typedef {{ kind: 'empty' }
 *   | { kind: 'text', text: string }
 *   | { kind: 'literal', text: string }
 *   | { kind: 'not-finite', text: string }
 *   | { kind: 'composite', json: string | undefined }} ReadValue
 */

/**
 * @param {unknown} value
 * @param {string} path
 * @param {number} depth
 * @returns {ReadValue}
 */
function readValue(value, path, depth) {
  if (depth > DEEPEST) throw otlpErrors.malformed(`${path} is nested deeper than ${DEEPEST} levels`);
  if (value === undefined || value === null) return { kind: 'empty' };
  const any = asObject(value, path);
  const { stringValue, boolValue, intValue, doubleValue, bytesValue, arrayValue, kvlistValue } = any;
  if (isGiven(stringValue)) return { kind: 'text', text: asText(stringValue, `${path}.stringValue`) };
  if (isGiven(boolValue)) {
    if (typeof boolValue !== 'boolean') throw otlpErrors.malformed(`${path}.boolValue must be true or false`);
    return { kind: 'literal', text: String(boolValue) };
  }
  if (isGiven(intValue)) return { kind: 'literal', text: readInt64(intValue, `${path}.intValue`) };
  if (isGiven(doubleValue)) return readDouble(doubleValue, `${path}.doubleValue`);
  if (isGiven(bytesValue)) {
    const bytes = Buffer.from(asText(bytesValue, `${path}.bytesValue`), 'base64');
    return { kind: 'text', text: bytes.toString('base64') };
  }
  if (isGiven(arrayValue)) {
    const at = `${path}.arrayValue.values`;
    const items = listOf(asObject(arrayValue, `${path}.arrayValue`)['values'], at).map((item, index) =>
      jsonOf(readValue(item, `${at}[${index}]`, depth + 1)),
    );
    return { kind: 'composite', json: items.includes(undefined) ? undefined : `[${items.join(',')}]` };
  }
  if (isGiven(kvlistValue)) return readMap(kvlistValue, `${path}.kvlistValue`, depth);
  return { kind: 'empty' };
}

/**
 * @param {unknown} kvlist
 * @param {string} path
 * @param {number} depth
 * @returns {ReadValue}
 */
function readMap(kvlist, path, depth) {
  /** @type {Map<string, string | undefined>} */
  const fields = new Map();
  for (const [key, value, at] of keyValues(asObject(kvlist, path)['values'], `${path}.values`))
    fields.set(key, jsonOf(readValue(value, at, depth + 1)));
  const sorted = [...fields].toSorted(([one], [other]) => (one < other ? -1 : 1));
  const hasAll = sorted.every(([, json]) => json !== undefined);
  const json = `{${sorted.map(([key, text]) => `${quoteJson(key)}:${text}`).join(',')}}`;
  return { kind: 'composite', json: hasAll ? json : undefined };
}

/**
 * Writes a value inside an array or a map; undefined when JSON has no word for it, which takes the whole value with it.
 * @param {ReadValue} value
 */
function jsonOf(value) {
  switch (value.kind) {
    case 'empty':
      return 'null';
    case 'text':
      return quoteJson(value.text);
    case 'literal':
      return value.text;
    case 'not-finite':
      return undefined;
    case 'composite':
      return value.json;
  }
}

/**
 * Goes through a list of attributes.
 * @param {unknown} list
 * @param {string} path
 * @returns {Generator<[key: string, value: unknown, path: string]>}
 * @throws {import('./otlp-error.js').OtlpError} 400
 */
export function* keyValues(list, path) {
  for (const [index, item] of listOf(list, path).entries()) {
    const at = `${path}[${index}]`;
    const { key, value } = asObject(item, at);
    yield [asText(key ?? '', `${at}.key`), value, `${at}.value`];
  }
}

/**
 * Takes a value for an object.
 * @param {unknown} value
 * @param {string} path
 * @returns {Readonly<Record<string, unknown>>}
 * @throws {import('./otlp-error.js').OtlpError} 400
 */
export function asObject(value, path) {
  if (!isObject(value)) throw otlpErrors.malformed(`${path} must be an object`);
  return value;
}

/**
 * @param {unknown} value
 * @returns {value is Readonly<Record<string, unknown>>}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Takes a value for a list; a missing one is empty.
 * @param {unknown} value
 * @param {string} path
 * @returns {readonly unknown[]}
 * @throws {import('./otlp-error.js').OtlpError} 400
 */
export function listOf(value, path) {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw otlpErrors.malformed(`${path} must be an array`);
  return value;
}

/**
 * Takes a value for a text that can be written as UTF-8: a lone half of a surrogate pair becomes U+FFFD.
 * @param {unknown} value
 * @param {string} path
 * @returns {string}
 * @throws {import('./otlp-error.js').OtlpError} 400
 */
export function asText(value, path) {
  if (typeof value !== 'string') throw otlpErrors.malformed(`${path} must be a string`);
  return value.replaceAll(/\p{Surrogate}/gu, '\uFFFD');
}

/** @param {unknown} value */
function isGiven(value) {
  return value !== undefined && value !== null;
}

/**
 * @param {unknown} value a number, or its digits
 * @param {string} path
 */
function readInt64(value, path) {
  const isNumber = typeof value === 'number' && Number.isInteger(value);
  if (isNumber || (typeof value === 'string' && /^-?\d{1,19}$/.test(value))) {
    const integer = BigInt(value);
    if (BigInt.asIntN(64, integer) === integer) return String(integer);
    // The SDK for JavaScript calls every number without a fraction an integer, 1e300 too.
    if (isNumber) return numberText(value);
  }
  throw otlpErrors.malformed(`${path} must be a 64-bit integer, or a string with one`);
}

/**
 * @param {unknown} value
 * @param {string} path
 * @returns {ReadValue}
 */
function readDouble(value, path) {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && DOUBLE.test(value));
  if (!isNumber) throw otlpErrors.malformed(`${path} must be a number`);
  const number = Number(value);
  if (Number.isFinite(number)) return { kind: 'literal', text: numberText(number) };
  const infinity = number > 0 ? '+Inf' : '-Inf';
  return { kind: 'not-finite', text: Number.isNaN(number) ? 'NaN' : infinity };
}

const DOUBLE = /^(?:NaN|-?Infinity|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

/** @param {number} number */
function numberText(number) {
  return Object.is(number, -0) ? '-0' : String(number);
}

/**
 * Quotes a text for JSON inside an attribute, where the exporter also escapes the two line separators.
 * @param {string} text
 */
function quoteJson(text) {
  return JSON.stringify(text)
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`);
}
