import type { Random } from '@heliograph/simulators';
import { Cancellation } from './execution.ts';
import type { Process } from './process.ts';
import type { Activities, ActivityCall, TemporalFaults } from './tiny-temporal.ts';
import type { Timer, VirtualTime } from './virtual-time.ts';

/** The limits of an activity, in milliseconds. */
export interface ActivityOptions {
  readonly startToCloseMs: number;
  readonly scheduleToCloseMs?: number;
  readonly heartbeatMs?: number;
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
  /** Default without end. */
  readonly maxAttempts?: number;
}

const WITHOUT_WORKER_MS = 500;

/** An activity that the server knows. */
export interface RemoteActivity {
  /** Forgets it: its workflow has ended. */
  cancel(): void;
  /** Asks it to come back with what it knows. */
  askBack(): void;
}

/** Runs an activity on some process until it ends: its attempts are repeated when they fail or their process is lost. */
export function runRemoteActivity({
  time,
  random,
  faults,
  processes,
  name,
  args,
  options,
  onEnd,
}: {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: TemporalFaults;
  readonly processes: () => readonly { readonly process: Process; readonly activities: Activities }[];
  readonly name: string;
  readonly args: readonly unknown[];
  readonly options: ActivityOptions;
  readonly onEnd: (outcome: { readonly value?: unknown; readonly error?: unknown }) => void;
}): RemoteActivity {
  const { startToCloseMs, scheduleToCloseMs, heartbeatMs, firstRetryMs, maxRetryMs } = options;
  const scheduledAt = time.now;
  let attempt = 0;
  let isOver = false;
  let isAskedBack = false;
  let stopCurrent: (() => void) | null = null;
  let details: unknown;
  const timers = new Set<Timer>();
  const end = (outcome: { readonly value?: unknown; readonly error?: unknown }): void => {
    if (isOver) return;
    isOver = true;
    for (const timer of timers) timer.cancel();
    onEnd(outcome);
  };
  if (scheduleToCloseMs !== undefined)
    timers.add(time.after(scheduleToCloseMs, () => end({ error: new Error(`${name} did not end in time`) })));
  const begin = (): void => {
    if (isOver) return;
    const alive = processes().filter(({ process }) => process.isAlive);
    const chosen = alive[Math.floor(random() * alive.length)];
    const activity = chosen?.activities[name];
    if (chosen === undefined || activity === undefined) {
      time.after(WITHOUT_WORKER_MS, begin);
      return;
    }
    const current = ++attempt;
    const { process } = chosen;
    const stop = new AbortController();
    const comeBack = new AbortController();
    stopCurrent = () => comeBack.abort(new Cancellation());
    if (isAskedBack) time.after(4000 * random(), stopCurrent);
    let isRetrying = false;
    const isCurrent = (): boolean => !isOver && attempt === current && !isRetrying;
    let isSilent = false;
    const retry = (error: unknown): void => {
      if (!isCurrent()) return;
      isRetrying = true;
      if (options.maxAttempts !== undefined && current >= options.maxAttempts) {
        end({ error });
        return;
      }
      const wait = Math.min(maxRetryMs, firstRetryMs * 2 ** (current - 1));
      time.after(wait, begin);
    };
    const timeOut = (ms: number): void => {
      const timer = time.after(ms, () => {
        timers.delete(timer);
        if (!isCurrent()) return;
        retry(new Error(`${name} timed out`));
        // The worker learns of it with its next heartbeat.
        time.after(5000 * random(), () => stop.abort(new Error('cancelled')));
      });
      timers.add(timer);
    };
    timeOut(startToCloseMs);
    process.onCrash(() => timeOut(heartbeatMs ?? startToCloseMs));
    if (heartbeatMs !== undefined && faults.isHeartbeatLost()) {
      time.after(4000 * random(), () => {
        isSilent = true;
        timeOut(heartbeatMs);
      });
    }
    const call: ActivityCall = {
      signal: stop.signal,
      comeBack: comeBack.signal,
      // Of the first attempt, as Temporal reports it.
      scheduledAt,
      heartbeatDetails: details,
      heartbeat: (given) => {
        // The worker collects heartbeats for a while.
        time.after(random() < 0.5 ? 1 : 3000 * random(), () => {
          if (process.isAlive && !isSilent && isCurrent()) details = given;
        });
      },
    };
    const settle = async (): Promise<void> => {
      try {
        const value = await activity(call, ...(args as never[]));
        if (!process.isAlive) return;
        if (faults.isResultLost()) timeOut(heartbeatMs ?? startToCloseMs);
        else
          time.after(0.5 + 2 * random(), () => {
            if (isCurrent()) end({ value });
          });
      } catch (error) {
        if (!process.isAlive) return;
        const settleNow = isAskedBack ? () => end({ error }) : () => retry(error);
        time.after(0.5 + 2 * random(), settleNow);
      }
    };
    void settle();
  };
  time.after(0.5 + 2 * random(), begin);
  return {
    askBack: () => {
      isAskedBack = true;
      // The worker learns of it with its next heartbeat.
      time.after(4000 * random(), () => stopCurrent?.());
    },
    cancel: () => {
      isOver = true;
      for (const timer of timers) timer.cancel();
    },
  };
}
