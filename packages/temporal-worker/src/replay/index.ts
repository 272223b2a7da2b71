export { fetchHistories, fetchHistory, OPEN_RUNS, readHistoryFiles } from './history-source.ts';
export type { History, RunSelection, SourcedHistory, UnreadableSource } from './history-source.ts';
export { replayHistories, replayHistory } from './replay-histories.ts';
export type { ReplayOutcome, ReplayResult } from './replay-histories.ts';
export type { ReplayOptions } from './replayer.ts';
export { ReplayInputError } from './replay-errors.ts';
export type { ReplayInputErrorCode } from './replay-errors.ts';
export { stepThrough } from './step-through.ts';
export type { DebuggerAddress } from './step-through.ts';
