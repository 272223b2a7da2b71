import type { Payload } from '@temporalio/common';
import * as v from 'valibot';
import { CodecError } from '../contract/errors.ts';
import { CLAIM_DRIVER, REFERENCE_MESSAGE_TYPE } from '../contract/metadata.ts';
import { type ClaimName, isClaimName } from './claim-name.ts';

/** What a reference says; nothing in it is trusted, and a name is all that it can say. */
const claimDataSchema = v.strictObject({ v: v.literal('1'), name: v.pipe(v.string(), v.check(isClaimName)) });

/** Proto3 JSON of `temporal.api.sdk.v1.ExternalStorageReference`; others may add to it. */
const referenceSchema = v.object({ driverName: v.literal(CLAIM_DRIVER), claimData: claimDataSchema });

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Writes the claim data of a reference: the SDK makes the reference itself. */
export function writeClaimData(name: ClaimName): Record<string, string> {
  return { v: '1', name };
}

/**
 * Reads the claim data of a reference.
 *
 * @throws CodecError CODEC_CLAIM_INVALID for anything but one of our names; it is not quoted.
 */
export function readClaimData(claimData: unknown): ClaimName {
  const parsed = v.safeParse(claimDataSchema, claimData);
  if (parsed.success) return parsed.output.name;
  throw invalid();
}

/** Whether a payload is a reference of the SDK's external storage, ours or that of another driver. */
export function isReference({ metadata }: Payload): boolean {
  return (
    textOf(metadata?.['encoding']) === 'json/protobuf' &&
    textOf(metadata?.['messageType']) === REFERENCE_MESSAGE_TYPE
  );
}

/**
 * Reads the name out of a reference payload.
 *
 * @throws CodecError CODEC_CLAIM_INVALID if it is no reference, one of another driver, or not one of ours.
 */
export function readReference(payload: Payload): ClaimName {
  if (!isReference(payload)) throw invalid();
  const parsed = v.safeParse(referenceSchema, parse(payload.data ?? new Uint8Array()));
  if (parsed.success) return parsed.output.claimData.name;
  throw invalid();
}

function parse(data: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(data));
  } catch {
    return null;
  }
}

function textOf(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : Buffer.from(bytes).toString('latin1');
}

function invalid(): CodecError {
  return new CodecError(
    'CODEC_CLAIM_INVALID',
    'A reference to a large payload was not written by this claim check, so nothing was fetched.',
  );
}
