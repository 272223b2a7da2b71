import { describe, expect, test } from '@jest/globals';
import { checkBytesInFlight, checkOrigins, parseCallers } from './config.ts';

const KEY = 'k'.repeat(16);

describe('callers', () => {
  test('have roles, and scopes where there is a colon', () => {
    expect(parseCallers(`ada:${KEY}1:developer+on-call+audit:read, bob:${KEY}2:support`)).toEqual([
      { id: 'ada', secret: `${KEY}1`, roles: ['developer', 'on-call'], scopes: ['audit:read'] },
      { id: 'bob', secret: `${KEY}2`, roles: ['support'], scopes: [] },
    ]);
  });

  test.each([
    ['', 'nothing'],
    ['ada', 'no secret'],
    [`ada:${KEY}`, 'no role'],
    [`ada:${KEY}:`, 'an empty role'],
    [`ada:${KEY}:a++b`, 'an empty role among others'],
    ['ada:short:developer', 'a secret that is too short'],
    [`a da:${KEY}:developer`, 'an id that is none'],
    [`ada:${KEY} x:developer`, 'a secret that no header can carry'],
    [`ada:${KEY}1:a,ada:${KEY}2:b`, 'an id twice'],
    [`ada:${KEY}:a,bob:${KEY}:b`, 'a secret twice'],
  ])('%j is refused: %s', (value) => {
    expect(parseCallers(value)).toBeNull();
  });
});

describe('bytes in flight', () => {
  const limits = {
    HELIOGRAPH_CODEC_BODY_LIMIT_BYTES: 16 << 20,
    HELIOGRAPH_CODEC_MAX_RESPONSE_BYTES: 32 << 20,
  };

  test('are enough for the limits by default', () => {
    expect(checkBytesInFlight({ ...limits, HELIOGRAPH_CODEC_MAX_BYTES_IN_FLIGHT: 512 << 20 })).toBe(
      512 << 20,
    );
  });

  test('that the largest request does not fit into are refused, with what would do', () => {
    const check = () => checkBytesInFlight({ ...limits, HELIOGRAPH_CODEC_MAX_BYTES_IN_FLIGHT: 256 << 20 });
    expect(check).toThrow('HELIOGRAPH_CODEC_MAX_BYTES_IN_FLIGHT: expected at least 503316480');
  });
});

describe('origins', () => {
  test('are those that browsers send', () => {
    const origins = ['https://temporal.example.com', 'http://localhost:8233', 'https://[::1]:8080'];
    expect(checkOrigins(origins)).toEqual(origins);
  });

  test.each([
    '*',
    'https://temporal.example.com/',
    'https://a.example.com/ui',
    'temporal.example.com',
    'https://A.example.com',
    'https://a.example.com:443',
    'null',
  ])('%s is refused: it would never match', (origin) => {
    expect(() => checkOrigins(['https://a.example.com', origin])).toThrow(
      'HELIOGRAPH_CODEC_ORIGINS: expected origins',
    );
  });
});
