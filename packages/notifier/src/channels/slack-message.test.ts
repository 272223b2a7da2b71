import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as v from 'valibot';
import type { Notification } from '../contract.ts';
import { createNotification } from '../testing/notification.ts';
import {
  renderSlackMessage,
  slackWebhookSettings,
  type SlackBlock,
  type SlackMessage,
  type SlackText,
  type SlackWebhookSettings,
} from './slack-message.ts';

const notifyAbout = (parts: Partial<Notification['issue']>): Notification =>
  createNotification({ issue: { ...createNotification().issue, ...parts } });
const listTexts = (block: SlackBlock): readonly SlackText[] => {
  if (block.type === 'context') return block.elements;
  return 'fields' in block ? block.fields : [block.text];
};
const listBlocks = ({ blocks, attachments }: SlackMessage): readonly SlackBlock[] => [
  ...blocks,
  ...attachments.flatMap((attachment) => attachment.blocks),
];
const joinText = (message: SlackMessage): string =>
  listBlocks(message)
    .flatMap(listTexts)
    .map(({ text }) => text)
    .join('\n');
const listFieldTexts = (message: SlackMessage): readonly string[] =>
  listBlocks(message).flatMap((block) => ('fields' in block ? block.fields.map(({ text }) => text) : []));

/** Slack's known limits, and our own stricter limit on the total text. */
function expectWithinLimits(message: SlackMessage): void {
  expect(message.text.length).toBeGreaterThan(0);
  expect(message.text.length).toBeLessThan(4000);
  expect(message.attachments.length).toBeLessThanOrEqual(100);
  const blocks = listBlocks(message);
  expect(blocks.length).toBeLessThanOrEqual(50);
  for (const block of blocks) {
    const texts = listTexts(block);
    const limit = 'fields' in block ? 2000 : 3000;
    expect(texts.length).toBeGreaterThan(0);
    expect(texts.length).toBeLessThanOrEqual(10);
    for (const { text } of texts) {
      expect(text.length).toBeGreaterThan(0);
      expect(text.length).toBeLessThanOrEqual(limit);
    }
  }
  expect(joinText(message).length).toBeLessThan(8000);
}

/** The markup that we generate, a date or a link; everything else must be escaped. */
const OUR_MARKUP =
  /<(?:!date\^\d+\^\{date_short_pretty\} \{time_secs\}\|[^<>|]+|https?:\/\/[^<>|\s]+\|[A-Z][a-z]+)>/g;

describe('a message', () => {
  test('shows status, monitor, labels, start and route', () => {
    expect(renderSlackMessage(createNotification())).toEqual({
      text: 'Firing: pod-restarts (critical): a pod restarts',
      mrkdwn: false,
      blocks: [
        {
          type: 'section',
          text: {
            type: 'plain_text',
            text: '🔴 Firing: pod-restarts (critical)\na pod restarts',
            emoji: false,
          },
        },
      ],
      attachments: [
        {
          color: '#d92d20',
          blocks: [
            {
              type: 'section',
              fields: [
                { type: 'plain_text', text: 'namespace: payments', emoji: false },
                { type: 'plain_text', text: 'pod: web-1', emoji: false },
              ],
            },
            {
              type: 'context',
              elements: [
                {
                  type: 'mrkdwn',
                  text: 'Started <!date^1767323045^{date_short_pretty} {time_secs}|2026-01-02 03:04:05 UTC>',
                  verbatim: true,
                },
                { type: 'plain_text', text: 'Route critical', emoji: false },
                { type: 'plain_text', text: 'Notification alert-f1-r1-app1-7', emoji: false },
              ],
            },
          ],
        },
      ],
      unfurl_links: false,
      unfurl_media: false,
    });
  });

  test.each<[Notification['kind'], Notification['issue']['status'], string]>([
    ['trigger', 'firing', 'Firing'],
    ['update', 'firing', 'Still firing'],
    ['resolve', 'resolved', 'Resolved'],
    ['update', 'suppressed', 'Suppressed'],
    ['resolve', 'suppressed', 'Closed while suppressed'],
    ['resolve', 'firing', 'Closed while firing'],
  ])('of kind %s about an issue that is %s starts with %s', (kind, status, word) => {
    const message = renderSlackMessage({ ...notifyAbout({ status }), kind });
    expect(message.text).toMatch(new RegExp(`^${word}: pod-restarts`));
    expect(joinText(message)).toContain(` ${word}: pod-restarts (`);
  });

  test('of a resolved issue is green and shows when it ended', () => {
    const message = renderSlackMessage(notifyAbout({ status: 'resolved', endsAt: Date.UTC(2026, 0, 2, 4) }));
    expect(message.attachments[0]?.color).toBe('#12b76a');
    expect(joinText(message)).toContain('|2026-01-02 04:00:00 UTC>');
  });

  test.each([
    ['critical', '#d92d20'],
    ['CRITICAL', '#d92d20'],
    ['warning', '#f79009'],
    ['info', '#1570ef'],
    ['constructor', '#1570ef'],
  ])('of severity %s has the colour %s', (severity, color) => {
    expect(renderSlackMessage(notifyAbout({ severity })).attachments[0]?.color).toBe(color);
  });

  test('never mentions anybody, whatever text it contains', () => {
    const evil = '<!channel> <!here|x> <@U1> <!subteam^S1> <https://evil.example|bank>';
    const message = renderSlackMessage({
      ...notifyAbout({
        monitor: evil,
        severity: evil,
        labels: { [evil]: evil },
        annotations: { summary: evil, description: evil, runbook_url: evil },
      }),
      id: evil,
      route: { id: evil, name: evil },
    });
    for (const text of [message.text, joinText(message).replaceAll(OUR_MARKUP, '')]) {
      expect(text).not.toMatch(/[<>]/);
      expect(text).toContain('&lt;!channel&gt;');
    }
  });

  test('links to details and the runbook', () => {
    const annotations = {
      runbook_url: 'https://runbooks.example.com/a?b=1&c=2',
      dashboard_url: 'javascript:alert(1)',
    };
    const message = renderSlackMessage(notifyAbout({ monitor: 'a b/ä', annotations }), {
      linkUrl: 'https://heliograph.example.com/{fingerprint}?m={monitor}',
    });
    expect(joinText(message)).toContain(
      '<https://heliograph.example.com/f1?m=a%20b%2F%C3%A4|Open> · <https://runbooks.example.com/a?b=1&amp;c=2|Runbook>',
    );
    expect(joinText(message)).not.toContain('Dashboard');
  });
});

describe('labels', () => {
  test('are sorted with the well-known ones first, without those that the headline shows', () => {
    const labels = {
      alertname: 'pod-restarts',
      severity: 'critical',
      b: '2',
      a: '1',
      pod: 'p',
      cluster: 'c',
    };
    expect(listFieldTexts(renderSlackMessage(notifyAbout({ labels })))).toEqual([
      'cluster: c',
      'pod: p',
      'a: 1',
      'b: 2',
    ]);
  });

  test('that differ from the headline are shown', () => {
    const labels = { alertname: 'other', severity: 'page' };
    expect(listFieldTexts(renderSlackMessage(notifyAbout({ labels })))).toEqual([
      'alertname: other',
      'severity: page',
    ]);
  });

  test('from the settings are shown in their order, without duplicates and missing ones', () => {
    const labels = { a: '1', b: '', c: '3' };
    expect(
      listFieldTexts(
        renderSlackMessage(notifyAbout({ labels }), { labels: ['c', 'b', 'toString', 'c', 'gone'] }),
      ),
    ).toEqual(['c: 3', 'b: —']);
  });

  test.each<[number, number, string | null]>([
    [20, 1, null],
    [21, 1, 'and 1 more label'],
    [1000, 1, 'and 980 more labels'],
    [30, 5000, 'and 21 more labels'],
  ])('%d with values of %d characters: the omitted ones are counted: %s', (count, length, more) => {
    const names = Array.from({ length: count }, (_, index) => `label${String(index).padStart(4, '0')}`);
    const message = renderSlackMessage(
      notifyAbout({ labels: Object.fromEntries(names.map((name) => [name, 'x'.repeat(length)])) }),
    );
    const shown = more === null ? count : count - Number(/\d+/.exec(more)?.[0]);
    expect(listFieldTexts(message)).toHaveLength(shown);
    expect(/and \d+ more labels?/.exec(joinText(message))?.[0] ?? null).toBe(more);
    expectWithinLimits(message);
  });
});

/** A parsed text object: what is shown as it is, and what Slack makes of the rest. */
interface Shown {
  readonly literal: string;
  readonly tokens: readonly string[];
}

/** Reads a text object as Slack does: plain text is shown as it is, unless `emoji` is on; markup has a meaning. */
function parseLikeSlack({ type, text, ...rest }: SlackText): Shown {
  const tokens: string[] = [];
  const keep = (token: string): string => {
    tokens.push(token);
    return '';
  };
  const withoutSpecial = type === 'mrkdwn' ? text.replaceAll(/<[^<>]*>/g, keep) : text;
  const isFormatted = type === 'mrkdwn';
  const hasEmoji = isFormatted || !('emoji' in rest) || rest.emoji;
  const withoutFormat = isFormatted ? withoutSpecial.replaceAll(/[*_~`]|^&gt;/gm, keep) : withoutSpecial;
  const literal = hasEmoji ? withoutFormat.replaceAll(/:[^\s:]+:/g, keep) : withoutFormat;
  return {
    literal: literal.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
    tokens,
  };
}

describe('a value', () => {
  const special = fc
    .array(
      fc.constantFrom(
        '*',
        '_',
        '~',
        '`',
        ':wave:',
        '```',
        '>',
        '<',
        '&',
        '&amp;',
        '|',
        'a',
        'b c',
        '\\',
        '://',
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    .map((parts) => parts.join('').trim())
    .filter((value) => value !== '');

  const values = fc.record({
    monitor: special,
    severity: special,
    label: special,
    value: special,
    summary: special,
    description: special,
    name: special,
  });

  test('is shown as it is, wherever it comes from, and means nothing to Slack', () => {
    fc.assert(
      fc.property(values, ({ monitor, severity, label, value, summary, description, name }) => {
        const annotations = { summary, description };
        const message = renderSlackMessage({
          ...notifyAbout({ monitor, severity, labels: { [label]: value }, annotations }),
          id: name,
          route: { id: name, name },
        });
        const shown = listBlocks(message).flatMap(listTexts).map(parseLikeSlack);
        expect(shown.flatMap(({ tokens }) => tokens).filter((token) => !token.startsWith('<!date^'))).toEqual(
          [],
        );
        expect(shown.map(({ literal }) => literal)).toEqual([
          `🔵 Firing: ${monitor} (${severity})\n${summary}`,
          description,
          `${label}: ${value}`,
          'Started ',
          `Route ${name}`,
          `Notification ${name}`,
        ]);
        expect(message.mrkdwn).toBe(false);
        expect(message.text).not.toMatch(/[<>]/);
      }),
    );
  });
});

describe('any notification', () => {
  const text = fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
    fc.constantFrom('', ' ', '<!channel>', '@here', '&amp;', '😀', '\uD83D', '\0', '*_~`', '>quote', '</a>'),
    fc
      .tuple(
        fc.constantFrom('&', '<', '😀', 'x', '\n', '\uDE00', '\u202E', ' x', '*'),
        fc.integer({ min: 1, max: 6000 }),
      )
      .map(([part, times]) => part.repeat(times)),
  );
  const record = (maxKeys: number) => fc.dictionary(text, text, { maxKeys });
  const issue = fc.record({
    eventId: text,
    monitor: text,
    fingerprint: text,
    status: fc.constantFrom('firing', 'resolved', 'suppressed'),
    severity: text,
    labels: fc.oneof(
      record(15),
      fc
        .integer({ min: 1, max: 1000 })
        .map((count) =>
          Object.fromEntries(Array.from({ length: count }, (_, at) => [`${at}`, '&'.repeat(at % 400)])),
        ),
    ),
    annotations: fc
      .tuple(
        record(2),
        fc.record({ summary: text, description: text, runbook_url: text }, { requiredKeys: [] }),
      )
      .map(([some, known]) => ({ ...some, ...known })),
    startsAt: fc.oneof(fc.integer(), fc.double()),
    endsAt: fc.option(fc.double()),
  });
  const arbitraryNotification: fc.Arbitrary<Notification> = fc.record({
    id: text,
    kind: fc.constantFrom('trigger', 'update', 'resolve'),
    reason: text,
    streamId: text,
    episodeId: text,
    route: fc.record({ id: text, name: text }),
    connectedApp: fc.record({ id: text, name: text }),
    sequence: fc.nat(),
    issue,
    externalId: fc.option(text),
  });
  const settings: fc.Arbitrary<SlackWebhookSettings> = fc.constantFrom(
    {},
    { labels: ['1', '399', 'x'] },
    { linkUrl: 'https://example.com/{monitor}/{streamId}/{fingerprint}/{eventId}' },
  );

  test('renders to an escaped message within every limit, with monitor and status, as valid JSON', () => {
    fc.assert(
      fc.property(arbitraryNotification, settings, (one, set) => {
        const message = renderSlackMessage(one, set);
        expectWithinLimits(message);
        // The JSON is well-formed Unicode and survives a round trip.
        const json = JSON.stringify(message);
        expect(JSON.parse(Buffer.from(json, 'utf8').toString('utf8'))).toEqual(message);
        expect(json).not.toMatch(/\\ud[89a-f]/i);
        const escapes = `${message.text}\n${joinText(message).replaceAll(OUR_MARKUP, '')}`;
        expect(escapes).toMatch(/^(?:[^&<>]|&(?:amp|lt|gt);)*$/u);
        expect(message.text.toLowerCase()).toContain(one.issue.status);
        expect(renderSlackMessage(one, set)).toEqual(message);
      }),
      { numRuns: 400 },
    );
  });

  test('shows a monitor name of usual length in full', () => {
    fc.assert(
      fc.property(
        arbitraryNotification,
        fc.stringMatching(/^[A-Za-z0-9 ._:-]{0,98}[a-z]$/),
        (one, monitor) => {
          const message = renderSlackMessage({ ...one, issue: { ...one.issue, monitor } });
          const shown = monitor.trim().replaceAll(/\s+/g, ' ');
          expect(message.text).toContain(shown);
          expect(joinText({ ...message, attachments: [] })).toContain(shown);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('settings', () => {
  test.each<[object, boolean]>([
    [{}, true],
    [{ labels: ['namespace', 'pod'] }, true],
    [{ labels: [] }, true],
    [{ linkUrl: 'https://example.com/' }, true],
    [{ linkUrl: 'http://example.com/{streamId}?a={monitor}#{eventId}' }, true],
    [{ labels: Array.from({ length: 21 }, (_, at) => `${at}`) }, false],
    [{ labels: [''] }, false],
    [{ linkUrl: 'https://example.com/{secret}' }, false],
    [{ linkUrl: 'https://{monitor}.example.com/' }, false],
    [{ linkUrl: 'https://example.com:{fingerprint}/' }, false],
    [{ linkUrl: '{monitor}://example.com/' }, false],
    [{ linkUrl: 'https://me:pass@example.com/' }, false],
    [{ linkUrl: 'javascript:alert(1)' }, false],
    [{ linkUrl: `https://example.com/${'x'.repeat(400)}` }, false],
    [{ channel: '#alerts' }, false],
  ])('%j are valid: %j', (settings, fits) => {
    expect(v.safeParse(slackWebhookSettings, settings).success).toBe(fits);
  });
});
