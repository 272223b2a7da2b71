import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { SagaProgress } from './progress.ts';
import type { SagaState } from './state.ts';

/** Cancels the saga of a workflow, with a reason; the same path as cancelling the workflow itself. */
export const cancelSaga = defineSignal<[reason?: string]>('cancelSaga');

/** How far the saga of a workflow is, without inputs and results; also after the workflow has closed. */
export const sagaProgress = defineQuery<SagaProgress>('sagaProgress');

/** The whole state, with inputs and results: what `repairSaga` takes. */
export const sagaState = defineQuery<SagaState>('sagaState');
