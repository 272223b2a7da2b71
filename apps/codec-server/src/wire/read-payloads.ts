import { checkInput, problem } from '@heliograph/service';
import * as v from 'valibot';
import { type PayloadJson, payloadJsonSchema } from './payload-json.ts';

/** Reads without looking at the payloads, so that their number is known first. */
const bodySchema = v.looseObject({ payloads: v.optional(v.nullable(v.array(v.unknown()))) });
const listSchema = v.array(payloadJsonSchema);

/**
 * Reads the body of a request: `Payloads` in proto3 JSON.
 *
 * @throws Problem 400 PAYLOADS_INVALID with pointers, 413 PAYLOADS_TOO_MANY
 */
export function readPayloads(body: unknown, maxPayloads: number): readonly PayloadJson[] {
  const outer = checkInput(bodySchema, body);
  if (outer.kind === 'invalid') throw invalid(outer.errors);
  // To valibot, a list is an object as well.
  if (Array.isArray(body)) throw invalid([{ pointer: '', detail: 'Expected an object.' }]);
  const payloads = outer.value.payloads ?? [];
  if (payloads.length > maxPayloads)
    throw problem(
      413,
      'PAYLOADS_TOO_MANY',
      `A request has at most ${maxPayloads} payloads, and this one has ${payloads.length}. Send several.`,
    );
  const checked = checkInput(listSchema, payloads, '/payloads');
  if (checked.kind === 'invalid') throw invalid(checked.errors);
  return checked.value;
}

function invalid(errors: readonly { readonly pointer: string; readonly detail: string }[]): Error {
  return problem(400, 'PAYLOADS_INVALID', 'The body is not Payloads in proto3 JSON; see errors.', { errors });
}
