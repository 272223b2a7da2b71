import type { CodecErrorCode } from '../contract/errors.ts';

/** What a key was asked of a key management service for. */
export type KeyOperation = 'generate' | 'unwrap' | 'wrap' | 'rewrap';

/** Receives what codecs and key rings count: codes, and names out of the configuration; never a payload, nor what one says. */
export interface CodecMetrics {
  /** A payload was not decoded. `domain` is one of the key ring, or `unknown`. */
  decodeFailed(failure: { readonly code: CodecErrorCode; readonly domain: string }): void;
  /** A key management service was asked. `source` is the id of the key; `outcome` is `succeeded` or a code. */
  keyRequested(request: {
    readonly source: string;
    readonly operation: KeyOperation;
    readonly outcome: 'succeeded' | CodecErrorCode;
  }): void;
  /** The data key that encrypts in a domain was replaced. */
  keyRotated(rotation: { readonly domain: string }): void;
  /** A payload waited for a key whose source was away. */
  keyWaited(wait: { readonly outcome: 'found' | 'failed' }): void;
}

/** The part of a meter of OpenTelemetry that is used here. */
export interface CounterMeter {
  createCounter(
    name: string,
    options: { readonly description: string },
  ): { add(value: number, attributes: Record<string, string>): void };
}

/** Counts into a meter of OpenTelemetry, `metrics.getMeter('@heliograph/codec')`; Prometheus adds `_total` to the names. */
export function createCodecMetrics(meter: CounterMeter): CodecMetrics {
  const failures = meter.createCounter('heliograph_codec_decode_failures', {
    description: 'Payloads that were not decoded, by code and domain.',
  });
  const requests = meter.createCounter('heliograph_codec_key_requests', {
    description: 'Requests to key management services, by source, operation and outcome.',
  });
  const rotations = meter.createCounter('heliograph_codec_key_rotations', {
    description: 'Data keys that were replaced, by domain.',
  });
  const waits = meter.createCounter('heliograph_codec_key_waits', {
    description: 'Payloads that waited for a key whose source was away, by outcome.',
  });
  return {
    decodeFailed: (failure) => failures.add(1, { ...failure }),
    keyRequested: (request) => requests.add(1, { ...request }),
    keyRotated: (rotation) => rotations.add(1, { ...rotation }),
    keyWaited: (wait) => waits.add(1, { ...wait }),
  };
}
