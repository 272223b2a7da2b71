import * as v from 'valibot';

/** The schema of a {@link dictionary}; OpenAPI and `tolerant` see a record. */
export type DictionarySchema<
  TKey extends v.GenericSchema<string, string>,
  TValue extends v.GenericSchema,
> = v.RecordSchema<TKey, TValue, undefined>;

/** Survives `v.pipe`, which spreads the schema that it begins with. */
const KEEPS_NAMES = Symbol('keeps names');

/**
 * A JSON object whose names are data, such as labels. Unlike `v.record` it keeps every name, also `__proto__`,
 * `constructor` and `prototype`, and refuses an array. The output has no prototype, so it has no members but its own.
 */
export function dictionary<
  const TKey extends v.GenericSchema<string, string>,
  const TValue extends v.GenericSchema,
>(key: TKey, value: TValue): DictionarySchema<TKey, TValue> {
  const record = v.record(key, value);
  const schema = {
    ...record,
    [KEEPS_NAMES]: true,
    '~run'(dataset: v.UnknownDataset, config: v.Config<v.BaseIssue<unknown>>): unknown {
      const input = dataset.value;
      // A record refuses null as it should refuse an array.
      if (!isObject(input)) return record['~run']({ value: input === undefined ? input : null }, config);
      const output: Record<string, unknown> = Object.create(null);
      const issues: v.BaseIssue<unknown>[] = [];
      for (const [name, given] of Object.entries(input)) {
        const place = { type: 'object', input, key: name, value: given } as const;
        const keyIssues = key['~run']({ value: name }, config).issues ?? [];
        const read = value['~run']({ value: given }, config);
        issues.push(
          ...keyIssues.map((issue) => within({ ...place, origin: 'key' }, issue)),
          ...(read.issues ?? []).map((issue) => within({ ...place, origin: 'value' }, issue)),
        );
        output[name] = read.value;
      }
      return issues.length === 0 ? { typed: true, value: output } : { typed: false, value: output, issues };
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it runs as the record that it is spread from
  return schema as unknown as DictionarySchema<TKey, TValue>;
}

function isObject(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

function within(place: v.ObjectPathItem, issue: v.BaseIssue<unknown>): v.BaseIssue<unknown> {
  return { ...issue, path: [place, ...(issue.path ?? [])] };
}

/** Tells whether somewhere in a schema there is a `v.record`, which drops some names of what it reads. */
export function losesNames(schema: v.GenericSchema): boolean {
  return partsOf(schema).some(
    (part) => (part.type === 'record' && !(KEEPS_NAMES in part)) || losesNames(part),
  );
}

function partsOf(schema: object): readonly v.GenericSchema[] {
  return ['entries', 'item', 'items', 'options', 'pipe', 'wrapped', 'key', 'value', 'rest'].flatMap(
    (name) => {
      const part: unknown = Reflect.get(schema, name);
      const parts =
        typeof part !== 'object' || part === null ? [] : isSchema(part) ? [part] : Object.values(part);
      return parts.filter(isSchema);
    },
  );
}

function isSchema(part: unknown): part is v.GenericSchema {
  return typeof part === 'object' && part !== null && 'kind' in part && part.kind === 'schema';
}
