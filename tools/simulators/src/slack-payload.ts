import * as v from 'valibot';

const MAX_BLOCKS = 50;
const MAX_ATTACHMENTS = 100;
const MAX_TEXT = 40_000;
/** Slack names no number for all text together; 13,200 characters were seen refused, and its people speak of 12,000. */
const MAX_TEXT_OF_ALL_BLOCKS = 12_000;

const textOf = (limit: number) =>
  v.variant('type', [
    v.strictObject({
      type: v.literal('mrkdwn'),
      text: v.pipe(v.string(), v.minLength(1), v.maxLength(limit)),
      verbatim: v.optional(v.boolean()),
    }),
    plainTextOf(limit),
  ]);
function plainTextOf(limit: number) {
  return v.strictObject({
    type: v.literal('plain_text'),
    text: v.pipe(v.string(), v.minLength(1), v.maxLength(limit)),
    emoji: v.optional(v.boolean()),
  });
}
const blockId = v.optional(v.pipe(v.string(), v.maxLength(255)));

const blockSchema = v.variant('type', [
  v.pipe(
    v.strictObject({
      type: v.literal('section'),
      block_id: blockId,
      text: v.optional(textOf(3000)),
      fields: v.optional(v.pipe(v.array(textOf(2000)), v.minLength(1), v.maxLength(10))),
    }),
    v.check(({ text, fields }) => text !== undefined || fields !== undefined),
  ),
  v.strictObject({ type: v.literal('header'), block_id: blockId, text: plainTextOf(150) }),
  v.strictObject({
    type: v.literal('context'),
    block_id: blockId,
    elements: v.pipe(v.array(textOf(3000)), v.minLength(1), v.maxLength(10)),
  }),
  v.strictObject({ type: v.literal('divider'), block_id: blockId }),
]);
const blocksSchema = v.optional(v.pipe(v.array(blockSchema), v.maxLength(MAX_BLOCKS)));

const payloadSchema = v.looseObject({
  text: v.optional(v.string()),
  blocks: v.optional(v.array(v.unknown())),
  attachments: v.optional(v.array(v.looseObject({ blocks: v.optional(v.array(v.unknown())) }))),
});
/** A message as it was posted. */
export type SlackPayload = v.InferOutput<typeof payloadSchema>;

/**
 * Checks a payload as Slack does and returns it, or the word with which Slack refuses it. It knows the blocks section,
 * header, context and divider, and counts lengths in UTF-16 units.
 */
export function checkSlackPayload(value: unknown): SlackPayload | string {
  const parsed = v.safeParse(payloadSchema, value);
  if (!parsed.success) return 'invalid_payload';
  const { text, blocks, attachments } = parsed.output;
  const isEmpty = [text, blocks, attachments].every((part) => part === undefined || part.length === 0);
  if (isEmpty) return 'no_text';
  if (text !== undefined && text.length > MAX_TEXT) return 'msg_too_long';
  if (attachments !== undefined && attachments.length > MAX_ATTACHMENTS) return 'too_many_attachments';
  let size = 0;
  for (const some of [blocks, ...(attachments ?? []).map((attachment) => attachment.blocks)]) {
    const checked = v.safeParse(blocksSchema, some);
    if (!checked.success) return 'invalid_blocks';
    size += lengthOfTexts(checked.output);
  }
  return size > MAX_TEXT_OF_ALL_BLOCKS ? 'msg_blocks_too_long' : parsed.output;
}

/** Adds up the lengths of all strings named `text`, however deep. */
function lengthOfTexts(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce(
    (size, [name, part]: [string, unknown]) =>
      size + (name === 'text' && typeof part === 'string' ? part.length : lengthOfTexts(part)),
    0,
  );
}
