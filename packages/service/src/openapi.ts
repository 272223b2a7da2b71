import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import type { DocumentedRoute } from './route.ts';

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

const PROBLEM_SCHEMA: JsonObject = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'requestId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    code: { type: 'string', description: 'Stable; programs decide by it.' },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: { pointer: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
};

/** Describes the routes, in the order of their declaration, as OpenAPI 3.1. */
export function describeApi(
  title: string,
  version: string,
  routes: readonly DocumentedRoute[],
): OpenApiDocument {
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:([A-Za-z]\w*)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describeOperation(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title, version },
    paths,
    components: {
      schemas: { Problem: PROBLEM_SCHEMA },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function describeOperation(route: DocumentedRoute): OpenApiOperation {
  const headers =
    route.idempotency === undefined
      ? []
      : [headerParameter('Idempotency-Key', route.idempotency === 'required')];
  return {
    operationId: route.operationId ?? operationIdOf(route),
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(route.tags === undefined ? {} : { tags: route.tags }),
    security: route.scope === null ? [] : [{ bearer: [route.scope] }],
    parameters: [...pathParameters(route), ...queryParameters(route.query), ...headers],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(route.body, 'input') } },
          },
        }),
    responses: describeResponses(route),
  };
}

function describeResponses(route: DocumentedRoute): Record<string, JsonObject> {
  const responses: Record<string, JsonObject> = {};
  for (const [status, spec] of Object.entries(route.responses)) {
    const schema = spec.schema === undefined ? undefined : schemaOf(spec.schema, 'input');
    const content =
      schema === undefined && spec.contentType === undefined
        ? {}
        : { content: { [spec.contentType ?? 'application/json']: schema === undefined ? {} : { schema } } };
    responses[status] = { description: spec.description, ...content };
  }
  if (route.etag === true)
    responses['304'] = { description: 'Not modified since the ETag in If-None-Match.' };
  responses['default'] = {
    description: 'Problem details (RFC 9457).',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  return responses;
}

function pathParameters(route: DocumentedRoute): readonly JsonObject[] {
  const properties = propertiesOf(route.params);
  return [...route.path.matchAll(/:([A-Za-z]\w*)/g)].map(([, name = '']) => ({
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
  const { properties, required } = schemaOf(schema, 'input');
  return {
    schemas: typeof properties === 'object' && properties !== null ? { ...properties } : {},
    required: Array.isArray(required) ? required.map(String) : [],
  };
}

// Rules that JSON Schema cannot express are left out of the document; they are still enforced.
function schemaOf(schema: v.GenericSchema, typeMode: 'input' | 'output'): JsonObject {
  const { $schema: _, ...rest } = toJsonSchema(schema, {
    target: 'draft-2020-12',
    typeMode,
    errorMode: 'ignore',
  });
  return rest;
}

function operationIdOf(route: DocumentedRoute): string {
  const words = route.path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (part.startsWith(':') ? `by-${part.slice(1)}` : part));
  return [route.method.toLowerCase(), ...words].join('-');
}
