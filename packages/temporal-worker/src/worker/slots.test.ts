import { describe, expect, test } from '@jest/globals';
import { planSlots, type PoolClass, type SlotPreset } from './slots.ts';

const plan = (preset: SlotPreset, pool?: PoolClass) => planSlots(preset, { cores: 4, pool });
const fixed = (slots: number) => ({ guaranteed: slots, maximum: slots });

describe('slots', () => {
  test.each<[string, SlotPreset, object]>([
    ['cpu: as many as cores', { kind: 'cpu' }, { activities: fixed(4), localActivities: 4 }],
    ['cpu, sized', { kind: 'cpu', cores: 2 }, { activities: fixed(2), localActivities: 2 }],
    ['io', { kind: 'io' }, { activities: { guaranteed: 20, maximum: 100 }, localActivities: 100 }],
    ['io, few', { kind: 'io', maximum: 7 }, { activities: fixed(7), localActivities: 100 }],
    ['gpu', { kind: 'gpu' }, { activities: fixed(1), localActivities: 1 }],
    ['gpu, two', { kind: 'gpu', concurrency: 2 }, { activities: fixed(2), localActivities: 2 }],
    [
      'a provider: exactly its limit',
      { kind: 'provider', concurrency: 5 },
      { activities: fixed(5), localActivities: 5 },
    ],
    [
      'a provider with a rate',
      { kind: 'provider', concurrency: 5, perSecond: 0.5 },
      { activities: fixed(5), localActivities: 5, perSecond: 0.5 },
    ],
  ])('of %s', (_, preset, expected) => {
    expect(plan(preset)).toEqual(expected);
  });
});

describe('a pool', () => {
  test.each<[SlotPreset]>([[{ kind: 'cpu' }], [{ kind: 'io' }], [{ kind: 'gpu' }]])(
    'that is critical has all slots of %j guaranteed',
    (preset) => {
      const { guaranteed, maximum } = plan(preset, 'critical').activities;
      expect(guaranteed).toBe(maximum);
      expect(maximum).toBe(plan(preset).activities.maximum);
    },
  );

  test('in the background gives way, except for one slot', () => {
    expect(plan({ kind: 'io' }, 'background').activities).toEqual({ guaranteed: 1, maximum: 100 });
    expect(plan({ kind: 'cpu' }, 'background').activities).toEqual({ guaranteed: 1, maximum: 4 });
  });

  test('changes no limit of a provider or of a GPU: memory and CPU say nothing about those', () => {
    for (const preset of [{ kind: 'provider', concurrency: 5 }, { kind: 'gpu' }] as const) {
      expect(plan(preset, 'background')).toEqual(plan(preset));
    }
  });
});
