import type { Payload } from '@temporalio/common';
import type { PayloadJson } from '../wire/payload-json.ts';

/** Where large payloads are, outside of histories. */
export interface ClaimStore {
  /**
   * Fetches the payload that a reference names, as it was stored: encrypted.
   *
   * @throws CodecError for a reference that names none of ours, or bytes that are not those that it names.
   */
  fetch(reference: Payload, signal: AbortSignal): Promise<Payload>;
}

const ENCODING = Buffer.from('json/protobuf').toString('base64');
const MESSAGE_TYPE = Buffer.from('temporal.api.sdk.v1.ExternalStorageReference').toString('base64');

/** Whether a payload stands for one that is stored outside. */
export function isStorageReference({ metadata }: PayloadJson): boolean {
  return isText(metadata?.['encoding'], ENCODING) && isText(metadata?.['messageType'], MESSAGE_TYPE);
}

/** Base64 has several forms. */
function isText(value: string | undefined, expected: string): boolean {
  return (
    value === expected ||
    (value !== undefined && Buffer.from(value, 'base64').toString('base64') === expected)
  );
}
