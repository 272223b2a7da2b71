import * as v from 'valibot';
import type { Random } from './random.ts';

const faultSchema = v.variant('kind', [
  /** Answers with this status, and with Retry-After and a body if given. */
  v.strictObject({
    kind: v.literal('status'),
    status: v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599)),
    retryAfterSeconds: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(3600))),
    /** Such as an error word; default empty. */
    body: v.optional(v.pipe(v.string(), v.maxLength(10_000))),
  }),
  /** Takes the request and never answers. */
  v.strictObject({ kind: v.literal('hang') }),
  /** Takes the request, counts it as received, and closes the connection without an answer. */
  v.strictObject({ kind: v.literal('close-after-body') }),
  /** Accepts, after a delay. */
  v.strictObject({
    kind: v.literal('slow'),
    delayMs: v.pipe(v.number(), v.minValue(1), v.maxValue(120_000)),
  }),
]);

/** Checks a fault script: rules are tried in order, and the first that applies decides the answer. */
export const faultScriptSchema = v.pipe(
  v.array(
    v.strictObject({
      /** Only streams whose id contains this; default all. */
      streamContains: v.optional(v.string()),
      /** Only this type of notification, such as `alert.resolved`; default all. */
      type: v.optional(v.string()),
      /** How often the rule applies at most; default no limit. */
      times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
      /** How often it applies at most to one stream; default no limit. */
      timesPerStream: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
      /** With which probability it applies; default 1. */
      probability: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
      fault: faultSchema,
    }),
  ),
  v.maxLength(100),
);

/** The faults of a provider, and when they occur. */
export type FaultScript = v.InferInput<typeof faultScriptSchema>;
/** One wrong answer. */
export type Fault = v.InferOutput<typeof faultSchema>;

/** Parses a script and applies it request by request. `@throws {v.ValiError}` if it is not a fault script. */
export function createFaultPlayer(
  script: FaultScript,
  random: Random,
): (request: { readonly streamId: string; readonly type: string }) => Fault | null {
  const rules = v.parse(faultScriptSchema, script).map((rule) => ({
    ...rule,
    left: rule.times ?? Number.POSITIVE_INFINITY,
    perStream: new Map<string, number>(),
  }));
  return ({ streamId, type }) => {
    for (const rule of rules) {
      if (rule.left <= 0) continue;
      if (rule.streamContains !== undefined && !streamId.includes(rule.streamContains)) continue;
      if (rule.type !== undefined && rule.type !== type) continue;
      const played = rule.perStream.get(streamId) ?? 0;
      if (rule.timesPerStream !== undefined && played >= rule.timesPerStream) continue;
      if (rule.probability !== undefined && random() >= rule.probability) continue;
      rule.left--;
      if (rule.timesPerStream !== undefined) rule.perStream.set(streamId, played + 1);
      return rule.fault;
    }
    return null;
  };
}
