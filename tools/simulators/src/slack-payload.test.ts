import { expect, test } from '@jest/globals';
import { checkSlackPayload } from './slack-payload.ts';

const mrkdwn = (length: number) => ({ type: 'mrkdwn', text: 'x'.repeat(length), verbatim: true });
const plain = (length: number) => ({ type: 'plain_text', text: 'x'.repeat(length), emoji: false });
const section = (length: number) => ({ type: 'section', text: mrkdwn(length) });
const fields = (count: number, length: number) => ({
  type: 'section',
  fields: Array.from({ length: count }, () => mrkdwn(length)),
});
const context = (count: number) => ({
  type: 'context',
  elements: Array.from({ length: count }, () => mrkdwn(1)),
});
const header = (length: number) => ({ type: 'header', text: plain(length) });
const times = <T>(count: number, value: T): readonly T[] => Array.from({ length: count }, () => value);

test.each<[string, unknown]>([
  ['text alone', { text: 'x' }],
  ['blocks alone', { blocks: [section(1)] }],
  ['attachments alone', { attachments: [{ color: '#d92d20', blocks: [section(1)] }] }],
  ['a legacy attachment', { attachments: [{ fallback: 'x', text: 'x' }] }],
  ['the longest texts', { text: 'x'.repeat(40_000), blocks: [header(150), section(3000), fields(1, 2000)] }],
  ['the most parts', { blocks: [...times(48, { type: 'divider' }), fields(10, 1), context(10)] }],
  [
    'just enough text',
    { text: 'x', blocks: times(3, section(3000)), attachments: [{ blocks: [section(3000)] }] },
  ],
])('%s is taken', (_, payload) => {
  expect(checkSlackPayload(payload)).toEqual(payload);
});

test.each<[string, unknown, string]>([
  ['nothing', undefined, 'invalid_payload'],
  ['a string', 'x', 'invalid_payload'],
  ['text that is none', { text: 7 }, 'invalid_payload'],
  ['blocks that are none', { text: 'x', blocks: 'x' }, 'invalid_payload'],
  ['no content', {}, 'no_text'],
  ['empty content', { text: '', blocks: [], attachments: [] }, 'no_text'],
  ['endless text', { text: 'x'.repeat(40_001) }, 'msg_too_long'],
  ['too many attachments', { attachments: times(101, {}) }, 'too_many_attachments'],
  ['too many blocks', { blocks: times(51, { type: 'divider' }) }, 'invalid_blocks'],
  ['a block that nobody knows', { blocks: [{ type: 'confetti' }] }, 'invalid_blocks'],
  ['a section without content', { blocks: [{ type: 'section' }] }, 'invalid_blocks'],
  ['an empty section', { blocks: [section(0)] }, 'invalid_blocks'],
  ['a long section', { blocks: [section(3001)] }, 'invalid_blocks'],
  ['a long header', { blocks: [header(151)] }, 'invalid_blocks'],
  ['markup in a header', { blocks: [{ type: 'header', text: mrkdwn(1) }] }, 'invalid_blocks'],
  ['no fields', { blocks: [fields(0, 1)] }, 'invalid_blocks'],
  ['too many fields', { blocks: [fields(11, 1)] }, 'invalid_blocks'],
  ['a long field', { blocks: [fields(1, 2001)] }, 'invalid_blocks'],
  ['too many elements', { blocks: [context(11)] }, 'invalid_blocks'],
  [
    'a wrong block in an attachment',
    { text: 'x', attachments: [{ blocks: [section(3001)] }] },
    'invalid_blocks',
  ],
  [
    'something else in a text',
    { blocks: [{ type: 'section', text: { ...mrkdwn(1), style: 1 } }] },
    'invalid_blocks',
  ],
  [
    'too much text',
    { blocks: times(3, section(3000)), attachments: [{ blocks: [section(3000), section(1)] }] },
    'msg_blocks_too_long',
  ],
])('%s is refused', (_, payload, word) => {
  expect(checkSlackPayload(payload)).toBe(word);
});
