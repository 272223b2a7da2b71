import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { describeApi } from './openapi.ts';
import { defineOperation } from './operation.ts';
import { pageQuery } from './page.ts';

const replaceThing = defineOperation({
  method: 'PUT',
  path: '/things/:id',
  operationId: 'replaceThing',
  summary: 'Replace a thing',
  scope: 'things:write',
  params: v.object({ id: v.pipe(v.string(), v.maxLength(3)) }),
  query: v.object({ ...pageQuery() }),
  body: v.strictObject({ name: v.string(), size: v.optional(v.number(), 1) }),
  ifMatch: true,
  idempotency: 'required',
  responses: { 200: { description: 'It.', schema: v.object({ id: v.string() }) } },
  problems: { 404: ['THING_NOT_FOUND'], 412: ['IF_MATCH_FAILED', 'THING_CHANGED'] },
});

test('describes parameters, headers, body, responses and problem codes', () => {
  const { info, paths } = describeApi('things', '1', [replaceThing]);
  expect(info).toEqual({ title: 'things', version: '1' });
  const operation = paths['/things/{id}']?.['put'];
  expect(operation).toMatchObject({
    operationId: 'replaceThing',
    security: [{ bearer: ['things:write'] }],
    requestBody: {
      content: {
        'application/json': { schema: { required: ['name'], additionalProperties: false } },
      },
    },
  });
  expect(operation?.parameters.map(({ name, in: place, required }) => [name, place, required])).toEqual([
    ['id', 'path', true],
    ['limit', 'query', false],
    ['cursor', 'query', false],
    ['Idempotency-Key', 'header', true],
    ['If-Match', 'header', false],
  ]);
  expect(Object.keys(operation?.responses ?? {})).toEqual(['200', '404', '412', 'default']);
  expect(operation?.responses['412']?.['description']).toBe('Problem: IF_MATCH_FAILED, THING_CHANGED.');
});

test('has an operation id for an operation that gives none', () => {
  const { operationId: _, ...anonymous } = replaceThing;
  const { paths } = describeApi('things', '1', [anonymous]);
  expect(paths['/things/{id}']?.['put']?.operationId).toBe('put-things-by-id');
});
