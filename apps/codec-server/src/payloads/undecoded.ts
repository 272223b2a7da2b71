import type { AnsweredPayload } from '../wire/payload-json.ts';
import type { PayloadFailure } from './payload-failure.ts';

/**
 * The encoding of a payload that stands for one that is not given out. The Temporal UI shows the data of any payload that
 * is JSON, whatever its encoding says, so people read the reason; no SDK has a converter for this encoding, so no program
 * mistakes the reason for the value.
 */
const UNDECODED = 'json/undecoded';

const metadata = { encoding: Buffer.from(UNDECODED).toString('base64') };

/** Makes the payload that says why another is not given out. `message` is also where a failure of Temporal has its text. */
export function undecodedPayload({ code, detail }: PayloadFailure): AnsweredPayload {
  const data = JSON.stringify({ message: `Not decoded: ${detail}`, code });
  return { metadata, data: Buffer.from(data).toString('base64') };
}
