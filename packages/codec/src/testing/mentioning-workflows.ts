import { DefaultFailureConverter } from '@temporalio/common';
import { failureConverter as ours } from '../workflows/failure-converter.ts';

/** A workflow that mentions everything by which a bundle with the failure converter could be told. */
export async function mention(): Promise<string> {
  return `${typeof ours} heliograph/encodes-failures/1 failureConverter encodeCommonAttributes: true
    packages/codec/src/workflows/failure-converter.ts @heliograph/codec/failure-converter Encoded failure`;
}

/** Another failure converter, beside all that is mentioned. */
export const failureConverter = new DefaultFailureConverter();
