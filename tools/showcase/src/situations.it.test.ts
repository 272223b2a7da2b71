import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startShowcaseGround, type ShowcaseGround } from './showcase-ground.ts';
import type { Situation } from './situation.ts';
import { SITUATIONS } from './situations/index.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const quick = SITUATIONS.filter(({ isSlow }) => isSlow !== true).map((situation) => ({
  ...situation,
  name: `${situation.reason} (${situation.outcome ?? 'any'}): ${situation.title}`,
}));

let ground: ShowcaseGround;
const played = new Map<string, Promise<void>>();

async function playAndWait(situation: Situation): Promise<void> {
  await ground.untilShown(await situation.play(ground), situation);
}

// They do not touch each other, so that they take no longer than the slowest.
beforeAll(async () => {
  ground = await startShowcaseGround(root);
  for (const situation of quick) played.set(situation.name, playAndWait(situation));
  await Promise.allSettled(played.values());
}, 120_000);
afterAll(() => ground.stop(), 30_000);

test.each(quick)('$name', async ({ name }) => {
  await expect(played.get(name)).resolves.toBeUndefined();
});
