import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import type { AnyOperation } from './operation.ts';
import { problemSchema } from './problem-details.ts';

/** An OpenAPI 3.1 document, as far as we write one. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonObject>>;
    readonly securitySchemes: Readonly<Record<string, JsonObject>>;
  };
}

/** One operation of an {@link OpenApiDocument}. */
export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly JsonObject[];
  readonly requestBody?: JsonObject;
  readonly responses: Readonly<Record<string, JsonObject>>;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Describes operations, in the order given, as OpenAPI 3.1. */
export function describeApi(
  title: string,
  version: string,
  operations: readonly AnyOperation[],
): OpenApiDocument {
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const operation of operations) {
    const path = operation.path.replaceAll(/:([A-Za-z]\w*)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describeOperation(operation) };
  }
  return {
    openapi: '3.1.0',
    info: { title, version },
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema) },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function describeOperation(operation: AnyOperation): OpenApiOperation {
  const { idempotency, ifMatch } = operation;
  const headers = [
    ...(idempotency === undefined ? [] : [headerParameter('Idempotency-Key', idempotency === 'required')]),
    ...(ifMatch === true ? [headerParameter('If-Match', false)] : []),
  ];
  return {
    operationId: operation.operationId ?? operationIdOf(operation),
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    ...(operation.tags === undefined ? {} : { tags: operation.tags }),
    security: operation.scope === null ? [] : [{ bearer: [operation.scope] }],
    parameters: [...pathParameters(operation), ...queryParameters(operation.query), ...headers],
    ...(operation.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(operation.body) } },
          },
        }),
    responses: describeResponses(operation),
  };
}

const PROBLEM_CONTENT: JsonObject = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
};

function describeResponses(operation: AnyOperation): Record<string, JsonObject> {
  const responses: Record<string, JsonObject> = {};
  for (const [status, spec] of Object.entries(operation.responses)) {
    const schema = spec.schema === undefined ? undefined : schemaOf(spec.schema);
    const content =
      schema === undefined && spec.contentType === undefined
        ? {}
        : { content: { [spec.contentType ?? 'application/json']: schema === undefined ? {} : { schema } } };
    responses[status] = { description: spec.description, ...content };
  }
  if (operation.etag === true)
    responses['304'] = { description: 'Not modified since the ETag in If-None-Match.' };
  for (const [status, codes] of Object.entries(operation.problems ?? {})) {
    responses[status] = { description: `Problem: ${codes.join(', ')}.`, content: PROBLEM_CONTENT };
  }
  responses['default'] = { description: 'Problem details (RFC 9457).', content: PROBLEM_CONTENT };
  return responses;
}

function pathParameters(operation: AnyOperation): readonly JsonObject[] {
  const properties = propertiesOf(operation.params);
  return [...operation.path.matchAll(/:([A-Za-z]\w*)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: properties.schemas[name] ?? { type: 'string' },
  }));
}

function queryParameters(schema: v.GenericSchema | undefined): readonly JsonObject[] {
  const { schemas, required } = propertiesOf(schema);
  return Object.entries(schemas).map(([name, property]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: property,
  }));
}

function headerParameter(name: string, required: boolean): JsonObject {
  return { name, in: 'header', required, schema: { type: 'string', minLength: 1, maxLength: 255 } };
}

function propertiesOf(schema: v.GenericSchema | undefined): {
  readonly schemas: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
} {
  if (schema === undefined) return { schemas: {}, required: [] };
  const { properties, required } = schemaOf(schema);
  return {
    schemas: typeof properties === 'object' && properties !== null ? { ...properties } : {},
    required: Array.isArray(required) ? required.map(String) : [],
  };
}

// Rules that JSON Schema cannot express are left out of the document; they are still enforced.
function schemaOf(schema: v.GenericSchema): JsonObject {
  const { $schema: _, ...rest } = toJsonSchema(schema, {
    target: 'draft-2020-12',
    typeMode: 'input',
    errorMode: 'ignore',
  });
  return rest;
}

function operationIdOf(operation: AnyOperation): string {
  const words = operation.path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (part.startsWith(':') ? `by-${part.slice(1)}` : part));
  return [operation.method.toLowerCase(), ...words].join('-');
}
