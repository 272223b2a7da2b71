import { ExternalStorage, type Payload, StorageDriverClaim } from '@temporalio/common';
import { METADATA } from '../contract/metadata.ts';
import { type ClaimName, isClaimName } from './claim-name.ts';
import { readClaimData, writeClaimData } from './claim-reference.ts';
import { CLAIM_DRIVER } from '../contract/metadata.ts';

/**
 * The only file that knows the SDK's external storage, which is experimental in 1.24.0. By the time the SDK asks for a
 * payload to be stored, the codec has stored it: an error here would end a worker that sends a heartbeat. So the driver only
 * exchanges an envelope for a reference, and it chooses envelopes alone: headers never pass the codec, and would be stored
 * in clear.
 */
export function createExternalStorage({
  type,
  thresholdBytes,
  fetch,
}: {
  readonly type: string;
  readonly thresholdBytes: number;
  readonly fetch: (name: ClaimName, signal: AbortSignal | undefined) => Promise<Payload>;
}): ExternalStorage {
  const driver = {
    name: CLAIM_DRIVER,
    type: `heliograph.${type}`,
    store: async (_: unknown, payloads: Payload[]) =>
      payloads.map((payload) => new StorageDriverClaim(writeClaimData(nameOf(payload) ?? ''))),
    retrieve: ({ abortSignal }: { abortSignal?: AbortSignal }, claims: StorageDriverClaim[]) =>
      Promise.all(claims.map(({ claimData }) => fetch(readClaimData(claimData), abortSignal))),
  };
  return new ExternalStorage({
    drivers: [driver],
    driverSelector: (_, payload) => (nameOf(payload) === null ? null : driver),
    payloadSizeThreshold: thresholdBytes,
  });
}

/** The name that the codec stored an envelope under; null for any other payload. */
function nameOf({ metadata }: Payload): ClaimName | null {
  const bytes = metadata?.[METADATA.claim];
  const text = bytes === undefined ? '' : Buffer.from(bytes).toString('latin1');
  return isClaimName(text) ? text : null;
}
