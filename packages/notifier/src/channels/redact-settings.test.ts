import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { redactSettings, restoreSettings } from './redact-settings.ts';

const BASE = 'https://example.com/hook';

describe('settings that are shown', () => {
  test.each<[string, string]>([
    [`${BASE}?token=s3cret`, `${BASE}?token=REDACTED`],
    [`${BASE}?a=1&b=&a=2&c&`, `${BASE}?a=REDACTED&REDACTED&a=REDACTED&REDACTED&`],
    [`${BASE}?s3cret`, `${BASE}?REDACTED`],
    [` ${BASE}?token=s3cret\n`, `${BASE}?token=REDACTED`],
    [`${BASE}?czNjcmV0Cg==`, `${BASE}?REDACTED`],
    [`${BASE}?key=czNjcmV0Cg==`, `${BASE}?key=REDACTED`],
    [`${BASE}?key==x`, `${BASE}?key=REDACTED`],
    [`${BASE}?a=b=c#part`, `${BASE}?a=REDACTED#part`],
    [`s3+x://example.com?a=1`, `s3+x://example.com?a=REDACTED`],
    [`HTTPS://example.com?a=1`, `HTTPS://example.com?a=REDACTED`],
    [`${BASE}?id={fingerprint}&key={a}{b}`, `${BASE}?id={fingerprint}&key=REDACTED`],
    [`${BASE}?`, `${BASE}?`],
    [BASE, BASE],
    [`${BASE}#a?b=c`, `${BASE}#a?b=c`],
    ['what? a=b', 'what? a=b'],
  ])('%j are %j', (stored, shown) => {
    expect(redactSettings({ url: stored, deep: [{ more: stored }], count: 7, none: null })).toEqual({
      url: shown,
      deep: [{ more: shown }],
      count: 7,
      none: null,
    });
  });

  const parameter = fc.oneof(
    fc
      .tuple(fc.stringMatching(/^[a-z]{1,2}=$/), fc.stringMatching(/^[0-9%=;]{1,9}$/))
      .map(([name, value]) => name + value),
    fc.stringMatching(/^[0-9%;]{0,9}={0,2}$/),
  );
  test('contain no query value, and give the stored settings again', () => {
    fc.assert(
      fc.property(fc.array(parameter, { minLength: 1, maxLength: 6 }), (parameters) => {
        const stored = { url: `${BASE}?${parameters.join('&')}`, list: [`${BASE}?x=1`] };
        const shown = redactSettings(stored);
        expect(JSON.stringify(shown)).not.toMatch(/\d/);
        expect(redactSettings(shown)).toEqual(shown);
        expect(restoreSettings(shown, stored)).toEqual({ settings: stored, unknown: [] });
      }),
    );
  });
});

describe('settings that are given back', () => {
  const stored = { url: `${BASE}?token=one&token=two&team=a`, linkUrl: `${BASE}?key=three` };

  test.each<[string, string]>([
    [`${BASE}?token=REDACTED&token=REDACTED&team=REDACTED`, stored.url],
    [`${BASE}?token=REDACTED&token=new&team=REDACTED`, `${BASE}?token=one&token=new&team=a`],
    [`${BASE}?team=b&token=REDACTED`, `${BASE}?team=b&token=one`],
    [`${BASE}?token=new`, `${BASE}?token=new`],
    [`https://other.example.com/?token=new`, `https://other.example.com/?token=new`],
    [BASE, BASE],
  ])('%j are %j', (url, restored) => {
    expect(restoreSettings({ url }, stored)).toEqual({ settings: { url: restored }, unknown: [] });
  });

  test.each<[string, unknown, unknown]>([
    ['another host', { url: 'https://example.org/hook?token=REDACTED' }, stored],
    ['another port', { url: 'https://example.com:444/hook?token=REDACTED' }, stored],
    ['another path', { url: 'https://example.com/other?token=REDACTED' }, stored],
    ['another protocol', { url: 'http://example.com/hook?token=REDACTED' }, stored],
    ['another name', { url: `${BASE}?key=REDACTED` }, stored],
    ['more values than are stored', { url: `${BASE}?team=REDACTED&team=REDACTED` }, stored],
    ['nothing stored', { url: `${BASE}?token=REDACTED` }, undefined],
    ['null stored', { url: `${BASE}?token=REDACTED` }, null],
    ['nothing stored for a bare token', { url: `${BASE}?REDACTED` }, undefined],
    ['something else stored', { url: `${BASE}?token=REDACTED` }, { url: 7 }],
    ['an inherited property', { url: `${BASE}?token=REDACTED` }, Object.create(stored)],
  ])('with %s do not get a hidden value', (_, settings, before) => {
    expect(restoreSettings(settings, before)).toMatchObject({ settings, unknown: ['url'] });
  });

  test('are named by their path where a hidden value is not known', () => {
    const settings = { receivers: [{ url: BASE }, { url: `${BASE}?token=REDACTED` }] };
    expect(restoreSettings(settings, { receivers: [] })).toEqual({ settings, unknown: ['receivers.1.url'] });
  });
});
