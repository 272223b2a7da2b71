import { DatabaseError } from '@heliograph/database';
import { type Random, seededRandom } from '@heliograph/simulators';
import { alertWorkflowId } from '../../contract/alert-workflow-id.ts';
import type { IssueSignal } from '../../contract/issue-signal.ts';
import type { StreamKey } from '../../contract/stream-state.ts';
import { isUnderWay } from '../../delivery/intent-status.ts';
import { eventHashOf } from '../../issues/event-hash.ts';
import type { ReportedIssue } from '../../issues/issue.ts';
import { createStoreOnce } from '../../issues/store-once.ts';
import { runAlert } from './alert-run.ts';
import { createMemoryStores, type MemoryStores } from './create-memory-stores.ts';
import { createModelActivities } from './create-model-activities.ts';
import { createFates, type Fates } from './fates.ts';
import { createMemoryTables, type MemoryTables } from './memory-tables.ts';
import type { Mutant } from './mutant.ts';
import { createNetwork } from './network.ts';
import { runOrchestrator } from './orchestrator-run.ts';
import type { Plan, PlannedEvent } from './plan.ts';
import { Process } from './process.ts';
import { SimulatedProvider } from './simulated-provider.ts';
import { type Activities, TinyTemporal } from './tiny-temporal.ts';
import { VirtualTime } from './virtual-time.ts';

/** An issue whose report was acknowledged. */
export interface Acknowledged {
  readonly issue: ReportedIssue;
  readonly outcome: 'stored' | 'repeated' | 'reused';
}

/** When a schedule begins, in milliseconds since the epoch. */
const BEGIN_AT = 1_700_000_000_000;
const ORCHESTRATOR = 'monitor-instances';
/** A monitor repeats a report that was not acknowledged, in milliseconds. */
const REPEAT_REPORT_MS = 2000;
const RELAY_MS = 60_000;
/** How often it is checked whether all is done, in milliseconds. */
const CHECK_MS = 120_000;
/** A schedule ends at the latest so long after everything has healed, in milliseconds. */
const LONGEST_SETTLING_MS = 5 * 3_600_000;

/** What is the same for a whole schedule, whatever happens in it. */
export class Simulation {
  readonly plan: Plan;
  readonly time = new VirtualTime(BEGIN_AT);
  readonly random: Random;
  readonly tables: MemoryTables;
  readonly stores: MemoryStores;
  readonly provider: SimulatedProvider;
  readonly temporal: TinyTemporal;
  readonly fates: Fates;
  readonly acknowledged: Acknowledged[] = [];
  /** What was seen to be wrong while it happened. */
  readonly violations: string[] = [];
  readonly trace: string[] = [];
  /** Claims that are allowed to be in doubt, by notification: their claimants were lost. */
  readonly signals: { readonly stream: StreamKey; readonly signal: IssueSignal }[] = [];
  readonly isTracing: boolean;
  readonly #mutant: Mutant;
  readonly #network: ReturnType<typeof createNetwork>;
  #workers: { readonly process: Process; readonly activities: Activities }[] = [];
  #isDone = false;
  #isHealed = false;
  #attempts = 0;

  constructor(plan: Plan, mutant: Mutant, { isTracing = false }: { readonly isTracing?: boolean } = {}) {
    this.plan = plan;
    this.isTracing = isTracing;
    this.#mutant = mutant;
    this.random = seededRandom(plan.seed ^ 0x5eed);
    this.tables = createMemoryTables(() => this.time.now);
    this.fates = createFates(plan, this.random, () => this.time.now - BEGIN_AT);
    let visibleAfterMs = 0;
    const stores = createMemoryStores(this.tables, () => visibleAfterMs);
    this.stores = {
      ...stores,
      issues: {
        ...stores.issues,
        // The answer says that the rows can be read.
        append: async (issues, token) => {
          visibleAfterMs = this.fates.visibleAfterMs();
          await stores.issues.append(issues, token);
          await this.#sleep(visibleAfterMs);
        },
      },
    };
    this.#network = createNetwork(this.time, this.random, (server, method) => {
      const fate = this.fates.ofCall(server);
      if (fate !== 'answered') this.note(`${server}: ${method} ${fate}`);
      return fate;
    });
    this.provider = new SimulatedProvider({
      time: this.time,
      random: this.random,
      fateOf: ({ notification, settings }) => this.fates.ofRequest(notification.connectedApp.id, settings),
      onReceive: (receipt) => {
        const { kind, id, status, isAccepted } = receipt;
        this.note(
          `provider: ${kind} ${id} ${isAccepted ? 'accepted' : 'not accepted'}, ${status ?? 'no answer'}`,
        );
        // Somebody changes the settings while the answer is on its way.
        const isRefused = status === 400 || status === 410 || status === 429;
        if (isRefused && !this.#isHealed && plan.troubles.has('settings') && this.random() < 0.2)
          void this.#moveApp(receipt.appId);
        const intent = this.tables.intents.get(id);
        if (intent === undefined || intent.status === 'dropped' || intent.status === 'refused')
          this.violations.push(`sent without a claim: ${id} is ${intent?.status ?? 'unknown'}`);
      },
    });
    this.temporal = new TinyTemporal({
      time: this.time,
      random: this.random,
      faults: this.fates,
      processes: () => this.#workers,
      trace: (line) => this.note(line),
    });
  }

  /** A name for an attempt that no other has. */
  nameAttempt(): string {
    return `t${++this.#attempts}`;
  }

  /** Adds a line to the trace, if there is one. */
  note(line: string): void {
    if (this.isTracing)
      this.trace.push(`${((this.time.now - BEGIN_AT) / 1000).toFixed(3).padStart(10)}  ${line}`);
  }

  /** Milliseconds from the beginning. */
  get elapsedMs(): number {
    return this.time.now - BEGIN_AT;
  }

  /** Everything that was planned has happened, and what follows from it. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Plans everything from outside; stepping through time then makes it happen. */
  async begin(): Promise<void> {
    const { plan, stores } = this;
    for (const { id, uncertainPolicy } of plan.apps)
      await stores.connectedApps.create(id, {
        name: `app ${id}`,
        provider: 'webhook',
        settings: { url: `https://${id}.example/1` },
        enabled: true,
        uncertainPolicy,
        secret: 'secret',
      });
    for (const { id, query, appIds, renotifyIntervalMs, maxSignalAgeMs } of plan.routes)
      await stores.routes.create(id, {
        name: `route ${id}`,
        query,
        enabled: true,
        connectedAppIds: appIds,
        renotifyIntervalMs,
        maxSignalAgeMs,
      });
    for (let index = 0; index < plan.processes; index++) this.#startWorker(index);
    this.temporal.start(ORCHESTRATOR, runOrchestrator, {});
    const monitor = this.#monitor();
    for (const event of plan.events) this.time.after(event.at, () => void this.#happen(event, monitor));
    this.time.after(plan.healAt, () => void this.#heal(monitor));
    this.#relayNow();
    this.time.after(plan.healAt + CHECK_MS, () => void this.#check());
  }

  #startWorker(index: number): void {
    const name = `worker ${index + 1}`;
    // It was started meanwhile, after another crash.
    if (this.#workers.some((worker) => worker.process.name === name && worker.process.isAlive)) return;
    const process = new Process(name);
    const connect = <S extends object>(server: 'postgres' | 'clickhouse', store: S): S =>
      this.#network.connect(process, server, store);
    const { stores } = this;
    const seen: MemoryStores = {
      issues: connect('clickhouse', stores.issues),
      routes: connect('postgres', stores.routes),
      connectedApps: connect('postgres', this.#appsWithKeys()),
      health: connect('postgres', stores.health),
      streams: connect('postgres', stores.streams),
      streamLookUp: connect('postgres', stores.streamLookUp),
      intents: connect('postgres', stores.intents),
      backlog: connect('postgres', { ...stores.backlog, entries: undefined }),
      debts: connect('postgres', stores.debts),
      ledger: connect('clickhouse', stores.ledger),
    };
    const putAside = connect('postgres', {
      put: async (batch: Parameters<MemoryStores['ledger']['write']>[0]) => {
        this.tables.outbox.push(batch);
      },
    });
    const ledger = {
      ...seen.ledger,
      write: (batch: Parameters<MemoryStores['ledger']['write']>[0]) =>
        seen.ledger.write(batch).catch(() => putAside.put(batch)),
    };
    const activities = createModelActivities({
      simulation: this,
      process,
      stores: { ...seen, ledger },
      mutant: this.#mutant,
    });
    this.#workers = [
      ...this.#workers.filter((worker) => worker.process.name !== process.name),
      { process, activities },
    ];
    this.note(`${process.name} starts`);
  }

  /** The key of the secrets may be unknown to the processes for a while. */
  #appsWithKeys(): MemoryStores['connectedApps'] {
    const { connectedApps } = this.stores;
    return {
      ...connectedApps,
      deliveryTarget: async (target) => {
        if (this.fates.isKeyUnknown())
          throw new DatabaseError('DATABASE_SEALED_KEY_UNKNOWN', 'the key is unknown');
        return connectedApps.deliveryTarget(target);
      },
    };
  }

  /** Stores reports as the API does; a monitor repeats what was not acknowledged. */
  #monitor(): (event: Extract<PlannedEvent, { kind: 'report' }>) => Promise<void> {
    const api = new Process('api');
    const { issues } = this.#mutant.stores?.(this.stores, this.tables) ?? this.stores;
    const storeOnce = createStoreOnce(this.#network.connect(api, 'clickhouse', issues));
    let inserts = 0;
    return async ({ eventId, fingerprint, status, severity, summary, isPastApi }) => {
      const content = {
        monitor: 'model',
        fingerprint,
        status,
        severity,
        labels: {},
        annotations: { summary },
        startsAt: BEGIN_AT,
        endsAt: null,
      };
      const issue: ReportedIssue = {
        ...content,
        eventId,
        eventHash: eventHashOf(content),
        mayRepeat: true,
        startsAtGiven: true,
      };
      if (isPastApi) {
        await this.stores.issues.append([{ ...content, eventId }], `past ${++inserts}`);
        this.note(`database: ${status} of ${fingerprint} as ${eventId}`);
        return;
      }
      for (;;) {
        try {
          const [outcome = 'stored'] = await storeOnce([issue]);
          this.note(`api: ${status} of ${fingerprint} as ${eventId}: ${outcome}`);
          this.acknowledged.push({ issue, outcome });
          this.temporal.signal(ORCHESTRATOR, 'wake', undefined);
          return;
        } catch {
          await this.#sleep(REPEAT_REPORT_MS);
        }
      }
    };
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.time.after(ms, resolve);
    });
  }

  async #happen(
    event: PlannedEvent,
    monitor: (event: Extract<PlannedEvent, { kind: 'report' }>) => Promise<void>,
  ): Promise<void> {
    const { stores } = this;
    switch (event.kind) {
      case 'report':
        await monitor(event);
        break;
      case 'crash': {
        const worker = this.#workers[event.process % this.plan.processes];
        if (worker === undefined || !worker.process.isAlive) return;
        this.note(`${worker.process.name} is killed`);
        worker.process.crash();
        this.time.after(event.downMs, () => this.#startWorker(event.process % this.plan.processes));
        break;
      }
      case 'clock': {
        const worker = this.#workers[event.process % this.plan.processes];
        if (worker === undefined) return;
        this.note(`the clock of ${worker.process.name} jumps by ${event.skewMs} ms`);
        worker.process.skewMs = event.skewMs;
        this.time.after(event.forMs, () => {
          worker.process.skewMs = 0;
        });
        break;
      }
      case 'rename-route': {
        const route = await stores.routes.get(event.routeId);
        await stores.routes.update(route.id, route.version, { ...route, name: `${route.name}'` });
        this.note(`route ${route.id} is renamed`);
        break;
      }
      case 'move-app':
        await this.#moveApp(event.appId);
        break;
      case 'switch-app':
        await this.#switchApp(event.appId, false);
        this.time.after(
          Math.min(event.forMs, this.plan.healAt - event.at - 1),
          () => void this.#switchApp(event.appId, true),
        );
        break;
      case 'repeat-signal': {
        const sent = this.signals[Math.floor(this.random() * this.signals.length)];
        if (sent !== undefined) this.startWithSignal(sent.stream, sent.signal);
        break;
      }
      case 'mood':
      case 'away':
      case 'unknown-key':
        this.note(JSON.stringify(event));
        this.fates.begin(event);
        break;
    }
  }

  async #moveApp(appId: string): Promise<void> {
    const { connectedApps } = this.stores;
    const app = await connectedApps.get(appId);
    const settings = { url: `https://${app.id}.example/${app.version + 1}` };
    await connectedApps.update(app.id, app.version, { ...app, settings, enabled: true });
    this.note(`connected app ${app.id} moves to ${settings.url}`);
  }

  async #switchApp(appId: string, enabled: boolean): Promise<void> {
    const app = await this.stores.connectedApps.get(appId);
    this.fates.switchedApps.add(appId);
    this.note(`connected app ${appId} is switched ${enabled ? 'on' : 'off'}`);
    await this.stores.connectedApps.update(appId, app.version, { ...app, enabled });
  }

  /** Signals an alert stream at the server, starting it where it does not run. */
  startWithSignal(stream: StreamKey, signal: IssueSignal): string {
    const workflowId = alertWorkflowId(stream);
    this.note(
      `signal to ${workflowId}: ${signal.status}${signal.owed === true ? ' (owed)' : ''} at ${signal.position}`,
    );
    const runId = this.temporal.start(workflowId, runAlert, { stream });
    this.temporal.signal(workflowId, 'issue', signal);
    this.signals.push({ stream, signal });
    return runId;
  }

  async #heal(monitor: (event: Extract<PlannedEvent, { kind: 'report' }>) => Promise<void>): Promise<void> {
    this.note('everything has healed');
    this.#isHealed = true;
    this.fates.heal();
    for (let index = 0; index < this.plan.processes; index++) {
      const worker = this.#workers.find(({ process }) => process.name === `worker ${index + 1}`);
      if (worker?.process.isAlive === true) worker.process.skewMs = 0;
      else this.#startWorker(index);
    }
    for (const { id } of this.plan.apps) {
      const app = await this.stores.connectedApps.get(id);
      if (!app.enabled && this.fates.mayBeGone(app)) await this.#switchApp(id, true);
    }
    for (const fingerprint of this.plan.fingerprints) {
      if (this.random() < 0.5) continue;
      const status = this.random() < 0.6 ? 'firing' : 'resolved';
      const eventId = `last ${fingerprint}`;
      void monitor({
        at: 0,
        kind: 'report',
        fingerprint,
        status,
        severity: 'critical',
        eventId,
        summary: 'last',
        isPastApi: false,
      });
    }
  }

  #relayNow(): void {
    void this.stores.ledger.relay();
    if (!this.#isDone) this.time.after(RELAY_MS, () => this.#relayNow());
  }

  async #check(): Promise<void> {
    await this.stores.ledger.relay();
    const { debts } = await this.stores.debts.list({ after: null, limit: 1000 });
    const dead = new Set(this.plan.apps.filter(({ isDead }) => isDead).map(({ id }) => id));
    const mayWait = ({ connectedAppId }: StreamKey): boolean => dead.has(connectedAppId);
    const isIdle = this.temporal
      .running()
      .every((id) => id === ORCHESTRATOR || [...dead].some((appId) => id.endsWith(`-${appId}`)));
    const backlog = (
      await Promise.all(this.plan.fingerprints.map((each) => this.stores.backlog.listByFingerprint(each)))
    ).flat();
    const isSettled =
      isIdle &&
      debts.every(({ stream }) => mayWait(stream)) &&
      backlog.every(({ stream }) => mayWait(stream)) &&
      // An intent that its stream has passed is settled by the next sweep but one.
      [...this.tables.intents.values()].every(
        ({ status, stream }) => !isUnderWay(status) || mayWait(stream),
      ) &&
      this.#isAllSeen();
    if (isSettled || this.elapsedMs > this.plan.healAt + LONGEST_SETTLING_MS) this.#isDone = true;
    else this.time.after(CHECK_MS, () => void this.#check());
  }

  #isAllSeen(): boolean {
    const seen = new Set(
      [...this.tables.ledger.values()]
        .filter(({ stage }) => stage === 'seen')
        .map(({ position }) => position),
    );
    return this.tables.issues.every(({ issue }) => seen.has(issue.position));
  }
}
