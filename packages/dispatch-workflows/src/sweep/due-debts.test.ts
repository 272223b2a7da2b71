import { expect, test } from '@jest/globals';
import { type DueDebt, DueDebts } from './due-debts.ts';

function debt(appId: string, position: number): DueDebt {
  return {
    workflowId: `${appId}${position}`,
    stream: { fingerprint: `f${position}`, routeId: 'r', connectedAppId: appId },
    issue: { position: String(position), eventId: 'e', storedAt: 0 },
  };
}

function idsOf(debts: DueDebts, random = 0): readonly string[] {
  return debts.inTurns(() => random).map(({ workflowId }) => workflowId);
}

test('apps take turns, each in its own order, however many the others have', () => {
  const debts = new DueDebts(10);
  for (let position = 1; position <= 4; position++) debts.add(debt('a', position));
  for (let position = 1; position <= 2; position++) debts.add(debt('b', position));
  expect(idsOf(debts)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'a4']);
});

test('within an app they begin anywhere', () => {
  const debts = new DueDebts(10);
  for (let position = 1; position <= 4; position++) debts.add(debt('a', position));
  expect(idsOf(debts, 0.5)).toEqual(['a3', 'a4', 'a1', 'a2']);
  expect(idsOf(debts, 0.99)).toEqual(['a4', 'a1', 'a2', 'a3']);
});

test('of too many, the app with the most gives up', () => {
  const debts = new DueDebts(3);
  for (let position = 1; position <= 5; position++) debts.add(debt('a', position));
  debts.add(debt('b', 1));
  expect(idsOf(debts)).toEqual(['a1', 'b1', 'a2']);
});

test('there may be none', () => {
  expect(idsOf(new DueDebts(3))).toEqual([]);
});
