import type { AppTarget } from '../apps/app-health-store.ts';

/** Permission to send to a connected app now; it has to be released. */
export interface Permit {
  /** Releases it with the outcome of the attempt, `unsent` if there was none; the first release counts. */
  release(outcome: 'accepted' | 'other' | 'unsent'): void;
  /** Releases it: the provider asked everybody to wait. */
  throttle(forMs: number): void;
  /** Granted although the app is throttled, to find out whether it still is. */
  readonly isProbe: boolean;
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
 * A notification that was never sent and would expire before the throttle ends is worth a probe: it is sent all the same. One
 * is under way at a time, and the next one follows 10 s after it at the earliest, so that a hundred notifications are not a
 * hundred requests to a provider that refuses them. One that came to nothing before it was sent lets another one follow
 * at once. A probe that is accepted ends the throttle for all.
 *
 * A throttle is of one target of an app. Once the gate meets a later one, it forgets the earlier, and sends deliveries
 * back that wait for it: their target has to be read again.
 */
export interface AppGate {
  /** A permit at once, or how long it would take. */
  tryAcquire(target: AppTarget): Permit | Delay;
  /**
   * Waits for a permit. Deliveries that the provider has already throttled go first. Returns the delay instead where too
   * many wait for this app already, or where it would take longer than `maxWaitMs`; what may probe waits for as long.
   */
  acquire(
    target: AppTarget,
    request: {
      readonly wasThrottled: boolean;
      readonly maxWaitMs: number;
      readonly signal: AbortSignal;
      /** How soon it expires, in milliseconds, if it may be sent as a probe before; default: it may not. */
      readonly probeWithinMs?: number | undefined;
    },
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
  /** Calls `run` once after `ms` milliseconds, unless what it returns is called before. */
  readonly setTimer?: (run: () => void, ms: number) => () => void;
}

interface Waiting {
  readonly wasThrottled: boolean;
  /** Infinity where it may not probe. */
  readonly expiresAt: number;
  readonly go: (isProbe: boolean) => void;
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
  isProbed: boolean;
  nextProbeAt: number;
  /** Until then nothing is learned of a throttle that a probe has ended: what was read before still has it. */
  deafUntil: number;
  wakeUp: { readonly at: number; readonly cancel: () => void } | null;
}

/** From this window on the app counts as not throttled; it is more than the connections of a process to one receiver. */
const WIDE_OPEN = 128;
/** Two ends of throttles of one app that are closer than this are one, in milliseconds. */
const SAME_THROTTLE_MS = 1000;
/** How many attempts are admitted after a throttle, at most; half of the window before it where that was less. */
const FIRST_WINDOW = 8;
/** An estimate of how long a full window takes to admit another attempt, in milliseconds. */
const ATTEMPT_MS = 50;
/** Between the outcome of a probe and the next one, in milliseconds. */
const PROBE_EVERY_MS = 10_000;
/** How long what was read of an app may be used, with the time to write that a throttle has ended, in milliseconds. */
const READ_BEFORE_MS = 2000;
/** The app has another target by now; it is read again before the next attempt. */
const OUTDATED: Delay = { waitMs: ATTEMPT_MS };

/** Makes the gate of one process. */
export function createAppGate(options: AppGateOptions = {}): AppGate {
  const {
    maxWaitingPerApp = 125,
    now = () => performance.now(),
    setTimer = (run, ms) => {
      const timer = setTimeout(run, ms).unref();
      return () => clearTimeout(timer);
    },
  } = options;
  const apps = new Map<string, App>();

  const isFree = (app: App, at = now()): boolean => at >= app.closedUntil && app.active < app.window;
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
  /** Whether what expires then would not be sent before. */
  const isOutlasted = (app: App, expiresAt: number, at: number): boolean =>
    at < app.closedUntil && expiresAt <= app.closedUntil;
  const mayProbe = (app: App, expiresAt: number, at = now()): boolean =>
    isOutlasted(app, expiresAt, at) && !app.isProbed && at >= app.nextProbeAt;
  const release = (id: string, app: App): void => {
    // Read once: a throttle that ended between two looks would neither admit anybody nor be waited for.
    const at = now();
    while (app.waiting.length > 0 && isFree(app, at)) {
      const first = app.waiting.findIndex(({ wasThrottled }) => wasThrottled);
      const [next] = app.waiting.splice(Math.max(0, first), 1);
      next?.go(false);
    }
    app.waiting.find(({ expiresAt }) => mayProbe(app, expiresAt, at))?.go(true);
    const isProberWaiting =
      !app.isProbed && app.waiting.some(({ expiresAt }) => isOutlasted(app, expiresAt, at));
    const nextAt = isProberWaiting ? Math.min(app.closedUntil, app.nextProbeAt) : app.closedUntil;
    if (nextAt > at) wakeUpIn(id, app, { at: nextAt, ms: nextAt - at });
    const isQuiet = app.window >= WIDE_OPEN && app.active === 0 && app.waiting.length === 0;
    if (isQuiet && apps.get(id) === app) apps.delete(id);
  };
  const wakeUpIn = (id: string, app: App, next: { readonly at: number; readonly ms: number }): void => {
    if (app.wakeUp !== null && app.wakeUp.at <= next.at) return;
    app.wakeUp?.cancel();
    const wakeUp = (): void => {
      app.wakeUp = null;
      release(id, app);
    };
    app.wakeUp = { at: next.at, cancel: setTimer(wakeUp, next.ms) };
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
      isProbed: false,
      nextProbeAt: Number.NEGATIVE_INFINITY,
      deafUntil: Number.NEGATIVE_INFINITY,
      wakeUp: null,
    };
    apps.set(target.id, app);
    // Attempts in flight together are refused together: that is one throttle.
    if (now() >= app.closedUntil)
      app.window = Math.max(1, Math.min(FIRST_WINDOW, Math.floor(app.window / 2)));
    app.closedUntil = Math.max(app.closedUntil, now() + forMs);
    release(target.id, app);
  };
  const grant = (target: AppTarget, app: App | undefined, isProbe = false): Permit => {
    let isOver = false;
    if (app !== undefined) {
      app.active++;
      app.isProbed ||= isProbe;
    }
    const end = (outcome: 'accepted' | 'other' | 'unsent'): void => {
      if (isOver) return;
      isOver = true;
      if (app === undefined) return;
      const grow = outcome === 'accepted';
      app.active--;
      if (isProbe) {
        app.isProbed = false;
        if (outcome !== 'unsent') app.nextProbeAt = now() + PROBE_EVERY_MS;
        if (grow) {
          app.closedUntil = Math.min(app.closedUntil, now());
          app.deafUntil = now() + READ_BEFORE_MS;
        }
      }
      // An attempt that began before the throttle says nothing about the time after it.
      if (grow && now() >= app.closedUntil) app.window = Math.min(WIDE_OPEN, app.window + 1);
      release(target.id, app);
    };
    return {
      release: end,
      throttle: (forMs) => {
        close(target, forMs);
        end('other');
      },
      isProbe,
    };
  };
  return {
    tryAcquire(target) {
      const app = find(target);
      if (app === 'outdated') return OUTDATED;
      if (app === undefined) return grant(target, app);
      return app.waiting.length === 0 && isFree(app) ? grant(target, app) : delayOf(app);
    },
    acquire(target, { wasThrottled, maxWaitMs, signal, probeWithinMs = Infinity }) {
      const app = find(target);
      if (app === 'outdated') return Promise.resolve(OUTDATED);
      if (app === undefined || (app.waiting.length === 0 && isFree(app)))
        return Promise.resolve(grant(target, app));
      // Also where no place to wait is left.
      if (mayProbe(app, now() + probeWithinMs)) return Promise.resolve(grant(target, app, true));
      const delay = delayOf(app);
      const isWorthWaiting = delay.waitMs <= maxWaitMs || (probeWithinMs < Infinity && maxWaitMs > 0);
      if (!isWorthWaiting || app.waiting.length >= maxWaitingPerApp) return Promise.resolve(delay);
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          app.waiting = app.waiting.filter((each) => each !== me);
          signal.removeEventListener('abort', abort);
          cancelTimer();
        };
        const me: Waiting = {
          wasThrottled,
          expiresAt: now() + probeWithinMs,
          go: (isProbe) => {
            leave();
            resolve(grant(target, app, isProbe));
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
        const cancelTimer = setTimer(() => {
          leave();
          resolve(delayOf(app));
        }, maxWaitMs);
        app.waiting.push(me);
        if (signal.aborted) abort();
        else signal.addEventListener('abort', abort, { once: true });
        release(target.id, app);
      });
    },
    learn(target, throttledForMs) {
      const app = find(target);
      if (throttledForMs <= 0 || app === 'outdated' || (app !== undefined && now() < app.deafUntil)) return;
      // The same throttle, reported again by another process and clock; our own value is as good.
      if (app !== undefined && app.closedUntil >= now() + throttledForMs - SAME_THROTTLE_MS) return;
      close(target, throttledForMs);
    },
  };
}
