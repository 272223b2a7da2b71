import { afterAll, beforeAll } from '@jest/globals';
import { dispatchStores } from '../testing/dispatch-ground.ts';
import { describeStreams } from '../testing/stream-contract.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
beforeAll(async () => {
  ground = await dispatchStores('streams');
});
afterAll(() => ground.close());

describeStreams(() => ground);
