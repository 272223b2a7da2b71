import { describe, expect, test } from '@jest/globals';
import { defineSaga, defineStep } from './index.ts';

const run = async (): Promise<string> => 'done';
const compensation = async (): Promise<void> => undefined;

describe('a step is refused', () => {
  test.each([
    [{ name: '', run, compensation }, 'A step cannot be named "": use 1 to 100 letters, digits and _ . : -'],
    [
      { name: 'a b', run, compensation },
      'A step cannot be named "a b": use 1 to 100 letters, digits and _ . : -',
    ],
    [
      { name: 'flight', run },
      "Step flight has no compensation: give it one, or say compensation: 'none, because …' with the reason.",
    ],
    [
      { name: 'flight', run, compensation: 'none, because ' },
      "Step flight has no compensation: give it one, or say compensation: 'none, because …' with the reason.",
    ],
    [
      { name: 'pay', run, compensation, isPivot: true },
      "Step pay is a pivot and has a compensation, which would never run: say compensation: 'none, because …'.",
    ],
    [
      { name: 'pay', run, compensation, isNotDone: () => true },
      'Step pay says isNotDone and is no pivot: whatever began is compensated, so leave it out.',
    ],
  ])('%#', (options, message) => {
    expect(() => defineStep(options as never)).toThrow(message);
  });

  test('by the compiler too, without a compensation or a reason', () => {
    // @ts-expect-error -- a compensation is not optional
    expect(() => defineStep({ name: 'flight', run })).toThrow('has no compensation');
    // @ts-expect-error -- "none" says nothing
    expect(() => defineStep({ name: 'flight', run, compensation: 'none' })).toThrow('has no compensation');
  });
});

describe('a saga is refused', () => {
  const step = defineStep({ name: 'flight', run, compensation });
  test.each([
    [
      { name: 'trip', steps: [step, defineStep({ name: 'flight', run, compensation })] },
      'Saga trip has two steps named flight: rename one, since compensations are found by name.',
    ],
    [{ name: 'trip', steps: [] }, 'Saga trip has no steps: list every step that it may run.'],
    [
      { name: 'a trip', steps: [step] },
      'A saga cannot be named "a trip": use 1 to 100 letters, digits and _ . : -',
    ],
  ])('%#', (options, message) => {
    expect(() => defineSaga(options)).toThrow(message);
  });
});

test('types follow from the step', async () => {
  const typed = defineStep({
    name: 'typed',
    run: async (input: { readonly city: string }) => input.city.length,
    compensation: async ({ input, result }) => {
      const city: string = input.city;
      // @ts-expect-error -- the result may never have arrived
      const length: number = result;
      return [city, length];
    },
  });
  await expect(typed.run({ city: 'Oslo' }, { key: 'k' })).resolves.toBe(4);
});
