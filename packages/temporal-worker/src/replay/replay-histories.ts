import { explainBreak, explainFailure } from './explain-break.ts';
import type { SourcedHistory, UnreadableSource } from './history-source.ts';
import { locateBreak } from './locate-break.ts';
import { createReplayer, type Replayer, type ReplayOptions } from './replayer.ts';

/** What came of one history. */
export type ReplayOutcome =
  /** The code continues it. */
  | { readonly kind: 'fits' }
  /** The code does something else than what happened: a worker with it would get stuck on this run. */
  | {
      readonly kind: 'breaks';
      readonly why: string;
      /** The first event that differs; null if it cannot be told. */
      readonly eventId: number | null;
      readonly eventType: string | null;
      /** The end of the workflow task, `WorkflowTaskCompleted`, that differs; null if it cannot be told. */
      readonly workflowTaskId: number | null;
    }
  /** The code cannot be asked: it has no such workflow type, throws outside the workflow's own errors, or takes too long. */
  | { readonly kind: 'fails'; readonly why: string }
  /** The history or its payloads cannot be read; says nothing about the code. */
  | { readonly kind: 'unreadable'; readonly why: string };

/** One history and what came of it. */
export interface ReplayResult {
  readonly source: string;
  readonly workflowType: string | null;
  readonly events: number;
  readonly outcome: ReplayOutcome;
}

/**
 * Replays one history after another against workflow code, and tells which of them the code would break, at which event
 * and why. Nothing is sent to a server, and no activity runs. A history that breaks, hangs or cannot be read does not stop
 * the others.
 */
export async function* replayHistories(
  histories: AsyncIterable<SourcedHistory | UnreadableSource> | Iterable<SourcedHistory | UnreadableSource>,
  options: ReplayOptions,
): AsyncGenerator<ReplayResult> {
  const replayer = createReplayer(options);
  try {
    for await (const each of histories) {
      if ('why' in each) {
        const outcome = { kind: 'unreadable', why: each.why } as const;
        yield { source: each.source, workflowType: null, events: 0, outcome };
      } else {
        const { source, workflowType, history } = each;
        const outcome = await outcomeOf(each, replayer);
        yield { source, workflowType, events: history.events?.length ?? 0, outcome };
      }
    }
  } finally {
    await replayer.close();
  }
}

/** Replays one history. */
export async function replayHistory(history: SourcedHistory, options: ReplayOptions): Promise<ReplayOutcome> {
  const replayer = createReplayer(options);
  try {
    return await outcomeOf(history, replayer);
  } finally {
    await replayer.close();
  }
}

async function outcomeOf(sourced: SourcedHistory, replayer: Replayer): Promise<ReplayOutcome> {
  const failure = await replayer.replay(sourced);
  if (failure === null) return { kind: 'fits' };
  switch (failure.kind) {
    case 'differs': {
      const reason = explainBreak(failure.message);
      const place = await locateBreak(sourced.history, reason, async (history) => {
        const shorter = await replayer.replay({ ...sourced, history });
        return shorter?.kind === 'differs';
      });
      return { kind: 'breaks', why: reason.why, ...place };
    }
    case 'undecodable':
      return { kind: 'unreadable', why: explainFailure(failure.message) };
    case 'fails':
      return { kind: 'fails', why: explainFailure(failure.message) };
  }
}
