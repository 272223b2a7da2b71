import { defineSignal } from '@temporalio/workflow';
import { ISSUE_SIGNAL, WAKE_SIGNAL, type IssueSignal } from './contract.ts';

/** Hands an issue to its alert stream. */
export const issueSignal = defineSignal<[IssueSignal]>(ISSUE_SIGNAL);

/** Makes the orchestrator scan now. */
export const wakeSignal = defineSignal(WAKE_SIGNAL);
