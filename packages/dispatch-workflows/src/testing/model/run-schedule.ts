import { findViolations } from './find-violations.ts';
import { type Mutant, NO_MUTANT } from './mutant.ts';
import { planSchedule, type Trouble } from './plan.ts';
import { Simulation } from './simulation.ts';
import { useVirtualGlobals } from './virtual-globals.ts';

/** What became of one schedule. */
export interface ScheduleResult {
  readonly seed: number;
  /** One line each; none if all promises were kept. */
  readonly violations: readonly string[];
  readonly steps: number;
  /** What happened, if it was traced. */
  readonly trace: readonly string[];
}

/** No schedule takes so many steps, unless something turns in circles. */
const MOST_STEPS = 200_000;

/** Runs the schedule of a seed to its end in simulated time: the same for the same seed. One at a time. */
export async function runSchedule(
  seed: number,
  {
    mutant = NO_MUTANT,
    isTracing = false,
    focus,
  }: {
    readonly mutant?: Mutant;
    readonly isTracing?: boolean;
    /** Troubles that the schedule has in any case. */
    readonly focus?: readonly Trouble[];
  } = {},
): Promise<ScheduleResult> {
  const simulation = new Simulation(planSchedule(seed, focus), mutant, { isTracing });
  const restore = useVirtualGlobals(simulation.time);
  let steps = 0;
  try {
    await simulation.begin();
    while (!simulation.isDone && steps < MOST_STEPS) {
      if (!simulation.time.step()) break;
      steps++;
      await quiet();
    }
  } finally {
    restore();
  }
  const violations = simulation.isDone ? findViolations(simulation) : [`not settled after ${steps} steps`];
  return { seed, violations, steps, trace: simulation.trace };
}

/** Resolves when every promise has settled that can. */
function quiet(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
