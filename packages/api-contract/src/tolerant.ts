import * as v from 'valibot';
import { dictionary } from './dictionary.ts';

/**
 * What a tolerant reader sees of a strict type: text that was one of a closed list may be any other, because a newer
 * server may know more of them.
 */
export type Tolerant<T> = T extends string
  ? string extends T
    ? T
    : T | (string & {})
  : T extends readonly (infer TItem)[]
    ? readonly Tolerant<TItem>[]
    : T extends object
      ? { readonly [K in keyof T]: Tolerant<T[K]> }
      : T;

const forms = new WeakMap<v.GenericSchema, v.GenericSchema>();

/**
 * Derives the reader's form of a strict schema: unknown members are kept, members of a closed list of texts may be any
 * text, and checks such as lengths and patterns are left out. Types, and which members are required, stay.
 *
 * @throws {TypeError} for a schema that has no such form: a transform, or a kind that no answer has needed so far
 */
export function tolerant<const TSchema extends v.GenericSchema>(
  schema: TSchema,
): v.GenericSchema<unknown, Tolerant<v.InferOutput<TSchema>>> {
  const known = forms.get(schema);
  const form = known ?? derive(schema);
  if (known === undefined) forms.set(schema, form);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `derive` follows the type above case by case
  return form as v.GenericSchema<unknown, Tolerant<v.InferOutput<TSchema>>>;
}

type Known =
  | v.ObjectSchema<v.ObjectEntries, undefined>
  | v.LooseObjectSchema<v.ObjectEntries, undefined>
  | v.StrictObjectSchema<v.ObjectEntries, undefined>
  | v.ArraySchema<v.GenericSchema, undefined>
  | v.RecordSchema<v.GenericSchema<string, string>, v.GenericSchema, undefined>
  | v.NullableSchema<v.GenericSchema, undefined>
  | v.OptionalSchema<v.GenericSchema, undefined>
  | v.UnionSchema<v.GenericSchema[], undefined>
  | v.PicklistSchema<readonly string[], undefined>
  | v.StringSchema<undefined>
  | v.NumberSchema<undefined>
  | v.BooleanSchema<undefined>
  | v.NullSchema<undefined>
  | v.UnknownSchema;

function derive(given: v.GenericSchema): v.GenericSchema {
  if ('pipe' in given && Array.isArray(given.pipe)) return derivePipe(given.pipe);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is none of these ends in the default
  const schema = given as Known;
  switch (schema.type) {
    case 'object':
    case 'loose_object':
    case 'strict_object':
      return v.looseObject(
        Object.fromEntries(
          Object.entries(schema.entries).map(([key, entry]) => [key, tolerant(entry as v.GenericSchema)]),
        ),
      );
    case 'array':
      return v.array(tolerant(schema.item));
    case 'record':
      return dictionary(v.string(), tolerant(schema.value));
    case 'nullable':
      return v.nullable(tolerant(schema.wrapped));
    case 'optional':
      return v.optional(tolerant(schema.wrapped));
    case 'union':
      return v.union(schema.options.map((option) => tolerant(option)));
    case 'picklist':
      return v.string();
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
    case 'unknown':
      return schema;
    default:
      throw new TypeError(`a schema of type ${given.type} has no tolerant form`);
  }
}

function derivePipe(pipe: readonly unknown[]): v.GenericSchema {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a pipe begins with a schema, by its type
  const [root, ...actions] = pipe as readonly [v.GenericSchema, ...v.GenericPipeItem[]];
  if (actions.some(({ kind }) => kind === 'schema' || kind === 'transformation')) {
    throw new TypeError(
      'a schema that transforms has no tolerant form: the reader would see another value than was sent',
    );
  }
  return tolerant(root);
}
