import type { AppTarget } from '../apps/app-health-store.ts';

/** Permission to send to a connected app now; it has to be released. */
export interface Permit {
  /** Releases it with the outcome of the attempt; the first release counts. */
  release(outcome: 'accepted' | 'other'): void;
  /** Releases it: the provider asked everybody to wait. */
  throttle(forMs: number): void;
}

/** Why there is no permit yet. */
export interface Delay {
  /** About how long to wait, in milliseconds. */
  readonly waitMs: number;
}

/**
 * The budget of each connected app, shared by all deliveries of this process: once a provider asks to wait, nobody
 * sends. Afterwards it admits at most eight deliveries, half as many after each further throttle, and one more after
 * each success. Without a throttle it costs nothing.
 *
 * A throttle is of one target of an app. Once the gate meets a later one, it forgets the earlier, and sends deliveries
 * back that wait for it: their target has to be read again.
 */
export interface AppGate {
  /** A permit at once, or how long it would take. */
  tryAcquire(target: AppTarget): Permit | Delay;
  /**
   * Waits for a permit. Deliveries that the provider has already throttled go first. Returns the delay instead where too
   * many wait for this app already, or where it would take longer than `maxWaitMs`.
   */
  acquire(
    target: AppTarget,
    request: { readonly wasThrottled: boolean; readonly maxWaitMs: number; readonly signal: AbortSignal },
  ): Promise<Permit | Delay>;
  /** Takes over what another process recorded: the app is throttled for so much longer. */
  learn(target: AppTarget, throttledForMs: number): void;
}

/** What a gate works with. */
export interface AppGateOptions {
  /** Throttled deliveries of one app that may wait in their slots at once, so that others find slots; default 125. */
  readonly maxWaitingPerApp?: number;
  /** Milliseconds on a clock that only goes forward. */
  readonly now?: () => number;
  readonly setTimer?: (run: () => void, ms: number) => void;
}

interface Waiting {
  readonly wasThrottled: boolean;
  readonly go: () => void;
  /** Ends the wait without a permit. */
  readonly sendBack: () => void;
}

interface App {
  readonly targetVersion: number;
  closedUntil: number;
  /** Attempts at once; it grows until the app no longer counts as throttled. */
  window: number;
  active: number;
  waiting: Waiting[];
  timed: boolean;
}

/** From this window on the app counts as not throttled; it is more than the connections of a process to one receiver. */
const WIDE_OPEN = 128;
/** Two ends of throttles of one app that are closer than this are one, in milliseconds. */
const SAME_THROTTLE_MS = 1000;
/** How many attempts are admitted after a throttle, at most; half of the window before it where that was less. */
const FIRST_WINDOW = 8;
/** An estimate of how long a full window takes to admit another attempt, in milliseconds. */
const ATTEMPT_MS = 50;
/** The app has another target by now; it is read again before the next attempt. */
const OUTDATED: Delay = { waitMs: ATTEMPT_MS };

/** Makes the gate of one process. */
export function createAppGate(options: AppGateOptions = {}): AppGate {
  const {
    maxWaitingPerApp = 125,
    now = () => performance.now(),
    setTimer = (run, ms) => void setTimeout(run, ms).unref(),
  } = options;
  const apps = new Map<string, App>();

  const isFree = (app: App): boolean => now() >= app.closedUntil && app.active < app.window;
  const delayOf = (app: App): Delay => ({ waitMs: Math.max(ATTEMPT_MS, app.closedUntil - now()) });
  /** What is known of this target: nothing, or that it is an earlier one than the app has by now. */
  const find = ({ id, targetVersion }: AppTarget): App | 'outdated' | undefined => {
    const app = apps.get(id);
    if (app === undefined || app.targetVersion === targetVersion) return app;
    if (app.targetVersion > targetVersion) return 'outdated';
    apps.delete(id);
    for (const waiting of app.waiting.splice(0)) waiting.sendBack();
    return undefined;
  };
  const release = (id: string, app: App): void => {
    while (app.waiting.length > 0 && isFree(app)) {
      const first = app.waiting.findIndex(({ wasThrottled }) => wasThrottled);
      const [next] = app.waiting.splice(Math.max(0, first), 1);
      next?.go();
    }
    const left = app.closedUntil - now();
    if (left > 0 && !app.timed) {
      app.timed = true;
      setTimer(() => {
        app.timed = false;
        release(id, app);
      }, left);
    }
    const isQuiet = app.window >= WIDE_OPEN && app.active === 0 && app.waiting.length === 0;
    if (isQuiet && apps.get(id) === app) apps.delete(id);
  };
  const close = (target: AppTarget, forMs: number): void => {
    const found = find(target);
    if (found === 'outdated') return;
    const app = found ?? {
      targetVersion: target.targetVersion,
      closedUntil: Number.NEGATIVE_INFINITY,
      window: WIDE_OPEN,
      active: 0,
      waiting: [],
      timed: false,
    };
    apps.set(target.id, app);
    // Attempts in flight together are refused together: that is one throttle.
    if (now() >= app.closedUntil)
      app.window = Math.max(1, Math.min(FIRST_WINDOW, Math.floor(app.window / 2)));
    app.closedUntil = Math.max(app.closedUntil, now() + forMs);
    release(target.id, app);
  };
  const grant = (target: AppTarget, app: App | undefined): Permit => {
    let isOver = false;
    if (app !== undefined) app.active++;
    const end = (grow: boolean): void => {
      if (isOver) return;
      isOver = true;
      if (app === undefined) return;
      app.active--;
      // An attempt that began before the throttle says nothing about the time after it.
      if (grow && now() >= app.closedUntil) app.window = Math.min(WIDE_OPEN, app.window + 1);
      release(target.id, app);
    };
    return {
      release: (outcome) => end(outcome === 'accepted'),
      throttle: (forMs) => {
        close(target, forMs);
        end(false);
      },
    };
  };
  return {
    tryAcquire(target) {
      const app = find(target);
      if (app === 'outdated') return OUTDATED;
      if (app === undefined) return grant(target, app);
      return app.waiting.length === 0 && isFree(app) ? grant(target, app) : delayOf(app);
    },
    acquire(target, { wasThrottled, maxWaitMs, signal }) {
      const app = find(target);
      if (app === 'outdated') return Promise.resolve(OUTDATED);
      if (app === undefined || (app.waiting.length === 0 && isFree(app)))
        return Promise.resolve(grant(target, app));
      const delay = delayOf(app);
      if (delay.waitMs > maxWaitMs || app.waiting.length >= maxWaitingPerApp) return Promise.resolve(delay);
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          app.waiting = app.waiting.filter((each) => each !== me);
          signal.removeEventListener('abort', abort);
          clearTimeout(timer);
        };
        const me: Waiting = {
          wasThrottled,
          go: () => {
            leave();
            resolve(grant(target, app));
          },
          sendBack: () => {
            leave();
            resolve(OUTDATED);
          },
        };
        const abort = (): void => {
          leave();
          reject(signal.reason as unknown);
        };
        const timer = setTimeout(() => {
          leave();
          resolve(delayOf(app));
        }, maxWaitMs).unref();
        app.waiting.push(me);
        if (signal.aborted) abort();
        else signal.addEventListener('abort', abort, { once: true });
        release(target.id, app);
      });
    },
    learn(target, throttledForMs) {
      const app = find(target);
      if (throttledForMs <= 0 || app === 'outdated') return;
      // The same throttle, reported again by another process and clock; our own value is as good.
      if (app !== undefined && app.closedUntil >= now() + throttledForMs - SAME_THROTTLE_MS) return;
      close(target, throttledForMs);
    },
  };
}
