import { defineSearchAttributeKey, type SearchAttributeType } from '@temporalio/common';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js';
import { TemporalSetupError } from '../errors.ts';
import { callWithin, SETUP_TIMEOUT_MS } from './call-within.ts';
import type { ServiceConnection } from './connect.ts';

/**
 * Every custom search attribute of the product, in one list: SQL visibility has room for 10 Keyword and 3 of each
 * other type per namespace, for all systems together. `checkSearchAttributeBudget` holds this list to it.
 */
export const SEARCH_ATTRIBUTES = {
  HeliographFingerprint: 'KEYWORD',
  HeliographRoute: 'KEYWORD',
  HeliographConnectedApp: 'KEYWORD',
} as const satisfies Readonly<Record<string, SearchAttributeType>>;

/** Typed keys for the attributes of an alert stream. */
export const searchAttributeKeys = {
  fingerprint: defineSearchAttributeKey('HeliographFingerprint', 'KEYWORD'),
  route: defineSearchAttributeKey('HeliographRoute', 'KEYWORD'),
  connectedApp: defineSearchAttributeKey('HeliographConnectedApp', 'KEYWORD'),
} as const;

/** Room per namespace on SQL visibility, by type. */
const BUDGET: Readonly<Record<SearchAttributeType, number>> = {
  KEYWORD: 10,
  TEXT: 3,
  INT: 3,
  DOUBLE: 3,
  BOOL: 3,
  DATETIME: 3,
  KEYWORD_LIST: 3,
};

/** Names the types of which a list declares more than a namespace has room for; empty when it fits. */
export function checkSearchAttributeBudget(
  attributes: Readonly<Record<string, SearchAttributeType>> = SEARCH_ATTRIBUTES,
): readonly string[] {
  const counts = new Map<SearchAttributeType, number>();
  for (const type of Object.values(attributes)) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts]
    .filter(([type, count]) => count > BUDGET[type])
    .map(([type, count]) => `${count} of type ${type}, room for ${BUDGET[type]}`);
}

/**
 * Checks that a namespace has every declared search attribute with its type. With `create`, missing ones are
 * added first (needs operator rights; meant for the embedded stack and for tests). The server answers OK when a
 * known name is added with another type and keeps the old type, hence the comparison afterwards.
 *
 * @throws {TemporalSetupError} TEMPORAL_SEARCH_ATTRIBUTES, naming each missing or differing attribute, or
 * TEMPORAL_NO_ANSWER if the service stays silent.
 */
export async function assertSearchAttributes(
  connection: ServiceConnection,
  namespace: string,
  options: {
    readonly create?: boolean;
    /** Deadline of each call, in milliseconds; default 10,000. */
    readonly callTimeoutMs?: number;
  } = {},
): Promise<void> {
  const { callTimeoutMs = SETUP_TIMEOUT_MS } = options;
  const within = <T>(call: () => Promise<T>): Promise<T> =>
    callWithin(connection, callTimeoutMs, `the search attributes of namespace ${namespace}`, call);
  const wanted = Object.entries(SEARCH_ATTRIBUTES).map(([name, declared]) => {
    const type = encodeSearchAttributeIndexedValueType(declared);
    if (type === undefined) throw new TypeError(`search attribute ${name}: no such type ${declared}`);
    return { name, type };
  });
  const read = async (): Promise<readonly string[]> => {
    const { customAttributes } = await within(() =>
      connection.operatorService.listSearchAttributes({ namespace }),
    );
    return wanted
      .filter(({ name, type }) => customAttributes[name] !== type)
      .map(({ name }) =>
        customAttributes[name] === undefined ? `${name} is missing` : `${name} has another type`,
      );
  };
  let problems = await read();
  if (problems.length > 0 && options.create === true) {
    await within(() =>
      connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(wanted.map(({ name, type }) => [name, type])),
      }),
    );
    problems = await read();
  }
  if (problems.length > 0) {
    throw new TemporalSetupError(
      'TEMPORAL_SEARCH_ATTRIBUTES',
      `search attributes of namespace ${namespace}: ${problems.join(', ')}; add them with: temporal operator search-attribute create`,
    );
  }
}
