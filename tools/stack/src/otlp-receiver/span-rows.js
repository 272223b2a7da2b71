import { asObject, asText, attributeText, keyValues, listOf } from './attribute-text.js';
import { otlpErrors } from './otlp-error.js';

/** More text than this is refused: every span repeats its resource, so a small body can describe endless rows. */
const MAX_ROWS_BYTES = 64 * 1024 * 1024;

const KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'];
const STATUS_CODES = ['Unset', 'Ok', 'Error'];
const LAST_INSTANT_NS = 2n ** 63n - 1n;
const NS_PER_SECOND = 1_000_000_000n;

/**
 * Turns the body of `POST /v1/traces` into rows for `insertStatement`, one line per span, each with its line feed.
 * @param {unknown} body parsed JSON
 * @param {{ maxBytes?: number }} [options] `maxBytes` of all rows, default 64 MiB
 * @returns {readonly string[]}
 * @throws {import('./otlp-error.js').OtlpError} 400 with the path of the first malformed field, 413
 */
export function spanRows(body, { maxBytes = MAX_ROWS_BYTES } = {}) {
  /** @type {string[]} */
  const rows = [];
  let bytes = 0;
  for (const { span, path, resource, scope } of spansOf(body)) {
    const row = spanRow(span, { path, resource, scope });
    bytes += Buffer.byteLength(row);
    if (bytes > maxBytes) throw otlpErrors.tooLarge('what the spans come to', maxBytes);
    rows.push(row);
  }
  return rows;
}

/**
 * What a span shares with its neighbours, already as JSON.
 * @typedef {{ serviceName: string, attributes: string }} Resource
 * @typedef {{ name: string, version: string }} Scope
 */

/**
 * @param {unknown} body
 * @returns {Generator<{ span: Readonly<Record<string, unknown>>, path: string, resource: Resource, scope: Scope }>}
 */
function* spansOf(body) {
  const groups = listOf(asObject(body, 'the body')['resourceSpans'], 'resourceSpans');
  for (const [groupIndex, group] of groups.entries()) {
    const groupPath = `resourceSpans[${groupIndex}]`;
    const { resource: given, scopeSpans } = asObject(group, groupPath);
    const resource = readResource(given ?? {}, `${groupPath}.resource`);
    for (const [scopeIndex, scoped] of listOf(scopeSpans, `${groupPath}.scopeSpans`).entries()) {
      const scopePath = `${groupPath}.scopeSpans[${scopeIndex}]`;
      const { scope: givenScope, spans } = asObject(scoped, scopePath);
      const { name, version } = asObject(givenScope ?? {}, `${scopePath}.scope`);
      const scope = {
        name: quote(name, `${scopePath}.scope.name`),
        version: quote(version, `${scopePath}.scope.version`),
      };
      for (const [index, span] of listOf(spans, `${scopePath}.spans`).entries()) {
        const path = `${scopePath}.spans[${index}]`;
        yield { span: asObject(span, path), path, resource, scope };
      }
    }
  }
}

/**
 * @param {unknown} resource
 * @param {string} path
 * @returns {Resource}
 */
function readResource(resource, path) {
  const attributes = readAttributes(asObject(resource, path)['attributes'], `${path}.attributes`);
  return {
    serviceName: JSON.stringify(attributes.get('service.name') ?? ''),
    attributes: attributesJson(attributes),
  };
}

/**
 * @param {Readonly<Record<string, unknown>>} span
 * @param {{ path: string, resource: Resource, scope: Scope }} context
 */
function spanRow(span, { path, resource, scope }) {
  const startNs = readInstant(span['startTimeUnixNano'], `${path}.startTimeUnixNano`);
  const endNs = readInstant(span['endTimeUnixNano'], `${path}.endTimeUnixNano`);
  const { code, message } = asObject(span['status'] ?? {}, `${path}.status`);
  const events = listOf(span['events'], `${path}.events`).map((event, index) =>
    eventCells(event, `${path}.events[${index}]`),
  );
  const links = listOf(span['links'], `${path}.links`).map((link, index) =>
    linkCells(link, `${path}.links[${index}]`),
  );
  const cells = [
    instantJson(startNs),
    quoteId(span['traceId'], 32, `${path}.traceId`),
    quoteId(span['spanId'], 16, `${path}.spanId`),
    quoteId(span['parentSpanId'], 16, `${path}.parentSpanId`),
    quote(span['traceState'], `${path}.traceState`),
    quote(span['name'], `${path}.name`),
    quoteName(span['kind'], { names: KINDS, prefix: 'SPAN_KIND_', path: `${path}.kind` }),
    resource.serviceName,
    resource.attributes,
    scope.name,
    scope.version,
    attributesJson(readAttributes(span['attributes'], `${path}.attributes`)),
    // The unsigned column has no room for a span that ends before it starts.
    String(endNs > startNs ? endNs - startNs : 0n),
    quoteName(code, { names: STATUS_CODES, prefix: 'STATUS_CODE_', path: `${path}.status.code` }),
    quote(message, `${path}.status.message`),
    ...columnsOf(events, 3),
    ...columnsOf(links, 4),
  ];
  return `[${cells.join(',')}]\n`;
}

/**
 * @param {unknown} event
 * @param {string} path
 */
function eventCells(event, path) {
  const { timeUnixNano, name, attributes } = asObject(event, path);
  return [
    instantJson(readInstant(timeUnixNano, `${path}.timeUnixNano`)),
    quote(name, `${path}.name`),
    attributesJson(readAttributes(attributes, `${path}.attributes`)),
  ];
}

/**
 * @param {unknown} link
 * @param {string} path
 */
function linkCells(link, path) {
  const { traceId, spanId, traceState, attributes } = asObject(link, path);
  return [
    quoteId(traceId, 32, `${path}.traceId`),
    quoteId(spanId, 16, `${path}.spanId`),
    quote(traceState, `${path}.traceState`),
    attributesJson(readAttributes(attributes, `${path}.attributes`)),
  ];
}

/**
 * Turns entries of a nested column into one array per column.
 * @param {readonly (readonly string[])[]} entries
 * @param {number} width
 */
function columnsOf(entries, width) {
  return Array.from({ length: width }, (_, column) => `[${entries.map((cells) => cells[column]).join(',')}]`);
}

/**
 * @param {unknown} list
 * @param {string} path
 * @returns {ReadonlyMap<string, string>} of a key that is there twice the last value
 */
function readAttributes(list, path) {
  /** @type {Map<string, string>} */
  const attributes = new Map();
  for (const [key, value, at] of keyValues(list, path)) attributes.set(key, attributeText(value, at));
  return attributes;
}

/** @param {ReadonlyMap<string, string>} attributes */
function attributesJson(attributes) {
  const fields = [...attributes].map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`);
  return `{${fields.join(',')}}`;
}

/**
 * @param {unknown} value missing is empty
 * @param {string} path
 */
function quote(value, path) {
  return JSON.stringify(asText(value ?? '', path));
}

/**
 * @param {unknown} value hexadecimal; missing and all zeros are no id
 * @param {number} digits
 * @param {string} path
 */
function quoteId(value, digits, path) {
  if (value === undefined || value === null || value === '') return '""';
  if (typeof value !== 'string' || value.length !== digits || !/^[\da-f]+$/i.test(value))
    throw otlpErrors.malformed(`${path} must have ${digits} hexadecimal digits`);
  return /^0+$/.test(value) ? '""' : `"${value.toLowerCase()}"`;
}

/**
 * Names an enumeration's number as the exporter does: a number without a name is the empty text.
 * @param {unknown} value its number, or OTLP's name for it
 * @param {{ names: readonly string[], prefix: string, path: string }} options
 */
function quoteName(value, { names, prefix, path }) {
  const given = value ?? 0;
  if (Number.isInteger(given)) return JSON.stringify(names[Number(given)] ?? '');
  const name = names.find((it) => given === `${prefix}${it.toUpperCase()}`);
  if (name === undefined) throw otlpErrors.malformed(`${path} must be an integer`);
  return JSON.stringify(name);
}

/**
 * @param {unknown} value nanoseconds since 1970, as digits or as a number, which is exact up to 2^53; missing is 0
 * @param {string} path
 * @returns {bigint}
 */
function readInstant(value, path) {
  const given = value ?? 0;
  if (
    (typeof given === 'number' && Number.isInteger(given) && given >= 0) ||
    (typeof given === 'string' && /^\d{1,20}$/.test(given))
  ) {
    const instantNs = BigInt(given);
    if (instantNs <= LAST_INSTANT_NS) return instantNs;
  }
  throw otlpErrors.malformed(`${path} must be nanoseconds since 1970, below 2^63, as a string`);
}

/** @param {bigint} instantNs */
function instantJson(instantNs) {
  const date = new Date(Number(instantNs / NS_PER_SECOND) * 1000).toISOString();
  const fraction = String(instantNs % NS_PER_SECOND).padStart(9, '0');
  return `"${date.slice(0, 10)} ${date.slice(11, 19)}.${fraction}"`;
}
