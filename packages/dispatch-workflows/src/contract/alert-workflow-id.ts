import type { StreamKey } from './stream-state.ts';

const PART = /^[a-z0-9]{1,64}$/;

/** Tells whether a text can stand in a workflow id: `[a-z0-9]{1,64}`, so that no two keys give one id. */
export function isIdPart(text: string): boolean {
  return PART.test(text);
}

/**
 * The workflow id of an alert stream, `alert-{fingerprint}-{route}-{connectedApp}`. It is the routing table: no
 * look-up is needed to find the workflow of an issue.
 *
 * @throws {RangeError} for a part that is not `[a-z0-9]{1,64}`.
 */
export function alertWorkflowId({ fingerprint, routeId, connectedAppId }: StreamKey): string {
  for (const part of [fingerprint, routeId, connectedAppId]) {
    if (!isIdPart(part)) throw new RangeError('a part of an alert workflow id is not [a-z0-9]{1,64}');
  }
  return `alert-${fingerprint}-${routeId}-${connectedAppId}`;
}
