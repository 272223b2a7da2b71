/** A turn to send something to a connected app; it has to be given back. */
export interface Turn {
  /** Gives the turn back with what became of the sending. */
  end(outcome: 'accepted' | 'other'): void;
  /** Gives it back: the provider asked everybody to wait. */
  throttled(forMs: number): void;
}

/** What a delivery that cannot begin yet is told. */
export interface Delay {
  /** About how long to wait, in milliseconds. */
  readonly waitMs: number;
}

/**
 * The budget of each connected app, shared by all deliveries of this process: once a provider asks to wait, nobody
 * sends. Afterwards at most eight begin, half as many after each further throttle, and twice as many after each round
 * that went well. Without a throttle it costs nothing.
 */
export interface AppGate {
  /** A turn at once, or how long it would take. */
  tryEnter(appId: string): Turn | Delay;
  /**
   * Waits for a turn, those first that were sent and throttled before. Gives the delay back instead where too many wait for this
   * app already, or where it takes longer than `maxWaitMs`.
   */
  enter(
    appId: string,
    wish: { readonly wasThrottled: boolean; readonly maxWaitMs: number; readonly signal: AbortSignal },
  ): Promise<Turn | Delay>;
  /** What another process or an earlier reading knows: the app is to be left alone for so long. */
  learn(appId: string, throttledForMs: number): void;
}

/** What a gate works with. */
export interface AppGateOptions {
  /** Deliveries of one app that may wait in their slots at once, so that others find slots; default 125. */
  readonly maxWaitingPerApp?: number;
  /** Milliseconds on a clock that only goes forward. */
  readonly now?: () => number;
  readonly setTimer?: (run: () => void, ms: number) => void;
}

interface Waiting {
  readonly wasThrottled: boolean;
  readonly go: () => void;
}

interface App {
  closedUntil: number;
  /** Sendings at once; it grows until there is no throttle any more. */
  window: number;
  active: number;
  waiting: Waiting[];
  timed: boolean;
}

/** From this window on the app counts as not throttled: more than a process keeps connections to one receiver. */
const WIDE_OPEN = 128;
/** Two ends of throttles of one app that are closer than this are one, in milliseconds. */
const SAME_THROTTLE_MS = 1000;
/** How many begin after a throttle, at most; half as many as went before it where that was less. */
const FIRST_WINDOW = 8;
/** How long a delivery waits that finds the window full, in milliseconds, as far as anyone can say. */
const TURN_MS = 50;

/** Makes the gate of one process. */
export function createAppGate(options: AppGateOptions = {}): AppGate {
  const {
    maxWaitingPerApp = 125,
    now = () => performance.now(),
    setTimer = (run, ms) => void setTimeout(run, ms).unref(),
  } = options;
  const apps = new Map<string, App>();

  const isFree = (app: App): boolean => now() >= app.closedUntil && app.active < app.window;
  const delayOf = (app: App): Delay => ({ waitMs: Math.max(TURN_MS, app.closedUntil - now()) });
  const release = (appId: string, app: App): void => {
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
        release(appId, app);
      }, left);
    }
    if (app.window >= WIDE_OPEN && app.active === 0 && app.waiting.length === 0) apps.delete(appId);
  };
  const close = (appId: string, forMs: number): void => {
    const app = apps.get(appId) ?? {
      closedUntil: Number.NEGATIVE_INFINITY,
      window: WIDE_OPEN,
      active: 0,
      waiting: [],
      timed: false,
    };
    apps.set(appId, app);
    // Those that were sent together are refused together: that is one throttle.
    if (now() >= app.closedUntil)
      app.window = Math.max(1, Math.min(FIRST_WINDOW, Math.floor(app.window / 2)));
    app.closedUntil = Math.max(app.closedUntil, now() + forMs);
    release(appId, app);
  };
  const turn = (appId: string, app: App | undefined): Turn => {
    let isOver = false;
    if (app !== undefined) app.active++;
    const end = (grow: boolean): void => {
      if (isOver) return;
      isOver = true;
      if (app === undefined) return;
      app.active--;
      // What began before the throttle says nothing about the time after it.
      if (grow && now() >= app.closedUntil) app.window = Math.min(WIDE_OPEN, app.window + 1);
      release(appId, app);
    };
    return {
      end: (outcome) => end(outcome === 'accepted'),
      throttled: (forMs) => {
        close(appId, forMs);
        end(false);
      },
    };
  };
  return {
    tryEnter(appId) {
      const app = apps.get(appId);
      if (app === undefined) return turn(appId, app);
      return app.waiting.length === 0 && isFree(app) ? turn(appId, app) : delayOf(app);
    },
    enter(appId, { wasThrottled, maxWaitMs, signal }) {
      const app = apps.get(appId);
      if (app === undefined || (app.waiting.length === 0 && isFree(app)))
        return Promise.resolve(turn(appId, app));
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
            resolve(turn(appId, app));
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
        release(appId, app);
      });
    },
    learn(appId, throttledForMs) {
      if (throttledForMs <= 0) return;
      const app = apps.get(appId);
      // The same throttle, heard of again by another way and clock; our own is as good.
      if (app !== undefined && app.closedUntil >= now() + throttledForMs - SAME_THROTTLE_MS) return;
      close(appId, throttledForMs);
    },
  };
}
