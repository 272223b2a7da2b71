import { afterAll, beforeAll } from '@jest/globals';
import { dispatchStores } from '../testing/dispatch-ground.ts';
import { describeRoutes } from '../testing/route-contract.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
beforeAll(async () => {
  ground = await dispatchStores('routes');
});
afterAll(() => ground.close());

describeRoutes(() => ground);
