import { describe, expect, test } from '@jest/globals';
import type { ServicePart } from '@heliograph/service';
import { both } from './start-app.ts';

const never = new Promise<never>(() => undefined);

function service() {
  const parts: ServicePart[] = [];
  return { parts, register: (part: ServicePart) => void parts.push(part) };
}

describe('two halves of a start', () => {
  test('that succeed leave nothing to wait for', async () => {
    const { parts, register } = service();
    await expect(both({ register }, Promise.resolve(1), Promise.resolve('a'))).resolves.toEqual([1, 'a']);
    expect(parts).toEqual([]);
  });

  test.each(['first', 'second'])('fail with the %s, although the other hangs', async (which) => {
    const { parts, register } = service();
    const failing = Promise.reject(new Error('no'));
    const halves = which === 'first' ? ([failing, never] as const) : ([never, failing] as const);
    await expect(both({ register }, ...halves)).rejects.toThrow('no');
    expect(parts).toMatchObject([{ name: 'start', deadlineMs: 5000 }]);
  });

  test('let the stop wait until the slower one has registered what it opened', async () => {
    const { parts, register } = service();
    let open = (): void => undefined;
    const slow = new Promise<void>((resolve) => (open = resolve)).then(() =>
      register({ name: 'database', stop: () => Promise.resolve() }),
    );
    await expect(both({ register }, Promise.reject(new Error('no')), slow)).rejects.toThrow('no');
    const stopped = parts[0]?.stop(5000).then(() => parts.map(({ name }) => name));
    open();
    await expect(stopped).resolves.toEqual(['start', 'database']);
  });
});
