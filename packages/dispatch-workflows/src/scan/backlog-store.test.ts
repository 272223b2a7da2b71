import { describeBacklog } from '../testing/backlog-contract.ts';
import { memoryBacklog } from '../testing/memory-backlog.ts';

let now = 1_000_000;
let backlog = memoryBacklog(() => now);
describeBacklog(() => ({
  get backlog() {
    return backlog;
  },
  age: async (ms) => {
    now += ms;
  },
  clear: async () => {
    backlog = memoryBacklog(() => now);
  },
}));
