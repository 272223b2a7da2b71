import type { DataConverter } from '../app-options.ts';

const MARK = 'binary/tiny';

/** Reverses every payload, and marks it in the encoding. */
export const tinyConverter: DataConverter = {
  payloadCodecs: [
    {
      encode: async (payloads) =>
        payloads.map((payload) => ({
          metadata: { encoding: Buffer.from(MARK), inner: payload.metadata?.['encoding'] ?? Buffer.of() },
          data: (payload.data ?? Buffer.of()).toReversed(),
        })),
      decode: async (payloads) =>
        payloads.map((payload) =>
          Buffer.from(payload.metadata?.['encoding'] ?? []).toString() === MARK
            ? {
                metadata: { encoding: payload.metadata?.['inner'] ?? Buffer.of() },
                data: (payload.data ?? Buffer.of()).toReversed(),
              }
            : payload,
        ),
    },
  ],
};
