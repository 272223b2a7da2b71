import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createMemoryRegistry } from '../testing/memory-registry.ts';
import { createMemoryStore } from '../testing/memory-store.ts';
import type { ClaimRegistry } from './claim-registry.ts';
import { collectClaims } from './collect-claims.ts';
import type { ExecutionDirectory } from './execution-directory.ts';

const HOUR = 3_600_000;
const RETENTION_MS = 72 * HOUR;
const GRACE_MS = 24 * HOUR;
/** Within these, uploads end in the start of their workflow; the grace period is longer. */
const UPLOAD_MS = 10 * HOUR;
const IDS = ['a', 'b', 'c'].map((letter) => `c1-${letter.repeat(64)}`);
const WORKFLOWS = ['w0', 'w1', 'w2', 'w3'];
const signal = new AbortController().signal;

interface Run {
  readonly workflowId: string;
  readonly root: string;
  readonly scheduleId: string | null;
  closedAt: number | null;
  /** Names of objects that its history holds. */
  readonly names: Set<string>;
}

/** Temporal, as far as it matters here: runs that are open or retained, and schedules. */
class World {
  now = 0;
  runs: Run[] = [];
  /** Schedules, with the name that their action holds. */
  readonly schedules = new Map<string, { readonly workflowId: string; readonly name: string }>();
  /** Uploads on their way: to a start, or to nothing, if the client dies. */
  pending: { readonly until: number; readonly land: () => void }[] = [];

  pass(ms: number): void {
    this.now += ms;
    for (const { until, land } of this.pending) if (until <= this.now) land();
    this.pending = this.pending.filter(({ until }) => until > this.now);
    this.runs = this.runs.filter(({ closedAt }) => closedAt === null || this.now - closedAt < RETENTION_MS);
  }

  open(workflowId: string, root: string, scheduleId: string | null = null): Run {
    const run: Run = { workflowId, root, scheduleId, closedAt: null, names: new Set() };
    this.runs.push(run);
    return run;
  }

  named(): ReadonlySet<string> {
    return new Set([
      ...this.runs.flatMap(({ names }) => [...names]),
      ...[...this.schedules.values()].map(({ name }) => name),
    ]);
  }

  readonly directory: ExecutionDirectory = {
    readRetentionMs: async () => RETENTION_MS,
    findFamilies: async (workflowIds) => {
      const found = new Map<string, string[]>();
      for (const id of workflowIds) {
        const own = this.runs.filter(
          ({ workflowId }) => workflowId === id || workflowId.startsWith(`${id}-`),
        );
        const schedules = [...this.schedules].filter(([, { workflowId }]) => workflowId === id);
        if (own.length + schedules.length > 0)
          found.set(id, [
            ...own.flatMap((run) => familiesOf(run)),
            ...schedules.map(([scheduleId]) => `schedule:${scheduleId}`),
          ]);
      }
      return found;
    },
    hasAny: async (families) =>
      families.some(
        (family) =>
          this.schedules.has(family.replace('schedule:', '')) ||
          this.runs.some((run) => familiesOf(run).includes(family)),
      ),
  };
}

function familiesOf({ root, scheduleId }: Run): string[] {
  return [`root:${root}`, ...(scheduleId === null ? [] : [`schedule:${scheduleId}`])];
}

type Step =
  | { readonly kind: 'pass'; readonly hours: number }
  /** Collects as it should be done: several times within the retention. */
  | { readonly kind: 'days'; readonly rounds: number }
  | { readonly kind: 'start'; readonly workflow: number; readonly object: number; readonly hours: number }
  | { readonly kind: 'die'; readonly workflow: number; readonly object: number }
  | { readonly kind: 'add'; readonly run: number; readonly object: number }
  | { readonly kind: 'close'; readonly run: number }
  | { readonly kind: 'reset' | 'continue'; readonly run: number }
  | { readonly kind: 'child'; readonly run: number; readonly workflow: number; readonly object: number }
  | { readonly kind: 'schedule'; readonly workflow: number; readonly object: number }
  | { readonly kind: 'trigger'; readonly object: number }
  | { readonly kind: 'unschedule' }
  | { readonly kind: 'collect'; readonly callsBeforeCrash: number; readonly uploadAt: number };

const index = fc.nat({ max: 3 });
const anySize = fc.record({
  workflows: fc.integer({ min: 1, max: WORKFLOWS.length }),
  objects: fc.integer({ min: 1, max: IDS.length }),
});
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), hours: fc.constantFrom(1, 5, 20, 30, 80, 200) }),
  fc.record({ kind: fc.constant('days' as const), rounds: fc.integer({ min: 2, max: 6 }) }),
  fc.record({ kind: fc.constant('days' as const), rounds: fc.integer({ min: 2, max: 6 }) }),
  fc.record({
    kind: fc.constant('start' as const),
    workflow: index,
    object: index,
    hours: fc.nat({ max: 9 }),
  }),
  fc.record({ kind: fc.constant('die' as const), workflow: index, object: index }),
  fc.record({ kind: fc.constant('add' as const), run: index, object: index }),
  fc.record({ kind: fc.constant('close' as const), run: index }),
  fc.record({ kind: fc.constantFrom('reset' as const, 'continue' as const), run: index }),
  fc.record({ kind: fc.constant('child' as const), run: index, workflow: index, object: index }),
  fc.record({ kind: fc.constant('schedule' as const), workflow: index, object: index }),
  fc.record({ kind: fc.constant('trigger' as const), object: index }),
  fc.constant({ kind: 'unschedule' as const }),
  fc.record({
    kind: fc.constant('collect' as const),
    callsBeforeCrash: fc.oneof(fc.constant(1e9), fc.nat({ max: 40 })),
    uploadAt: fc.nat({ max: 60 }),
  }),
);

/** In a small world the same payload meets the same workflow again; in a larger one something is left to collect. */
function createModel(size: { readonly workflows: number; readonly objects: number }) {
  const world = new World();
  const store = createMemoryStore();
  const registry = createMemoryRegistry(() => world.now);
  /** As an upload does it; what it returns is named from then on. */
  const upload = async (object: number, workflowId: string): Promise<string> => {
    for (;;) {
      const id = IDS[object % size.objects] ?? '';
      const name = await registry.claim(id, { namespace: 'prod', workflowId }, signal);
      await store.put(name, Buffer.from(id), signal);
      if ((await registry.currentNames([name], signal)).has(name)) return name;
    }
  };
  const workflowOf = (workflow: number): string => WORKFLOWS[workflow % size.workflows] ?? 'w0';
  const runOf = (run: number): Run | undefined => {
    const open = world.runs.filter(({ closedAt }) => closedAt === null);
    return open[run % Math.max(open.length, 1)];
  };
  const steps: { readonly [K in Step['kind']]: (step: Extract<Step, { kind: K }>) => Promise<void> | void } =
    {
      pass: ({ hours }) => world.pass(hours * HOUR),
      days: async ({ rounds }) => {
        for (let n = 0; n < rounds; n++) {
          world.pass(25 * HOUR);
          await steps.collect({ kind: 'collect', callsBeforeCrash: 1e9, uploadAt: 0 });
        }
      },
      start: async ({ workflow, object, hours }) => {
        const workflowId = workflowOf(workflow);
        const name = await upload(object, workflowId);
        // Until it lands, the reference is on its way, and the grace period protects it.
        world.pending.push({
          until: world.now + Math.min(hours * HOUR, UPLOAD_MS),
          land: () => world.open(workflowId, workflowId).names.add(name),
        });
      },
      die: async ({ workflow, object }) => {
        await upload(object, workflowOf(workflow));
      },
      add: async ({ run, object }) => {
        const open = runOf(run);
        if (open !== undefined) open.names.add(await upload(object, open.workflowId));
      },
      close: ({ run }) => {
        const open = runOf(run);
        if (open !== undefined) open.closedAt = world.now;
      },
      // Neither uploads anything: the events are copied, or the arguments passed on.
      reset: ({ run }) => again(runOf(run)),
      continue: ({ run }) => again(runOf(run)),
      child: async ({ run, workflow, object }) => {
        const parent = runOf(run);
        if (parent === undefined) return;
        const child = world.open(workflowOf(workflow), parent.root, null);
        const name = await upload(object, child.workflowId);
        // The result of a child is in the history of its parent as well.
        child.names.add(name);
        parent.names.add(name);
        child.closedAt = world.now;
      },
      schedule: async ({ workflow, object }) => {
        const workflowId = workflowOf(workflow);
        world.schedules.set('s', { workflowId, name: await upload(object, workflowId) });
      },
      trigger: async ({ object }) => {
        const schedule = world.schedules.get('s');
        if (schedule === undefined) return;
        const workflowId = `${schedule.workflowId}-${world.now}`;
        const run = world.open(workflowId, workflowId, 's');
        run.names.add(schedule.name);
        run.names.add(await upload(object, workflowId));
        run.closedAt = world.now;
      },
      unschedule: () => {
        world.schedules.delete('s');
      },
      collect: async ({ callsBeforeCrash, uploadAt }) => {
        const meddling = meddle({ crashAfter: callsBeforeCrash, at: uploadAt });
        await collectClaims({
          registry: meddling(registry),
          store: meddling(store),
          directory: world.directory,
          namespace: 'prod',
          now: world.now,
          graceMs: GRACE_MS,
        }).catch((error: unknown) => expect(error).toBe(crash));
      },
    };
  const crash = new Error('crashed');
  /** Between two calls of the collector, somebody uploads; after some calls, it dies. */
  const meddle = ({ crashAfter, at }: { readonly crashAfter: number; readonly at: number }) => {
    let calls = 0;
    return <T extends object>(target: T): T =>
      new Proxy(target, {
        get: (_, name) => {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== 'function') return member;
          return async (...args: unknown[]) => {
            if (calls++ >= crashAfter) throw crash;
            if (calls === at) await steps.start({ kind: 'start', workflow: at, object: at, hours: 5 });
            return member.apply(target, args);
          };
        },
      });
  };
  const again = (run: Run | undefined): void => {
    if (run === undefined) return;
    run.closedAt = world.now;
    const next = world.open(run.workflowId, run.root, run.scheduleId);
    for (const name of run.names) next.names.add(name);
  };
  const take = async (step: Step): Promise<void> => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the member of the step's kind takes it
    await (steps[step.kind] as (given: Step) => Promise<void> | void)(step);
    const lost = [...world.named()].filter((name) => !store.objects.has(name));
    expect(lost).toEqual([]);
  };
  const collectAll = async (releaseUncertain: boolean): Promise<void> => {
    for (let n = 0; n < 4; n++) {
      world.pass(20 * HOUR);
      await collectClaims({
        registry: registry satisfies ClaimRegistry,
        store,
        directory: world.directory,
        namespace: 'prod',
        now: world.now,
        graceMs: GRACE_MS,
        releaseUncertain,
      });
    }
  };
  return { world, store, take, collectAll };
}

test('nothing that a history or a schedule names is deleted, and in the end all the rest is', async () => {
  let deletions = 0;
  await fc.assert(
    fc.asyncProperty(
      anySize,
      fc.array(anyStep, { minLength: 1, maxLength: 40, size: 'max' }),
      async (size, steps) => {
        const { world, store, take, collectAll } = createModel(size);
        for (const step of steps) {
          const before = store.objects.size;
          await take(step);
          if (store.objects.size < before) deletions++;
        }
        // Now every workflow closes, and the server forgets it.
        for (const run of world.runs) run.closedAt ??= world.now;
        world.schedules.clear();
        for (const { land } of world.pending) land();
        world.pending = [];
        for (const run of world.runs) run.closedAt ??= world.now;
        world.pass(2 * RETENTION_MS);
        await collectAll(true);
        expect([...store.objects.keys()]).toEqual([]);
      },
    ),
    { numRuns: 1500 },
  );
  // The generator reaches collections that delete.
  expect(deletions).toBeGreaterThan(20);
});
