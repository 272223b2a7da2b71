import { defineSignal } from '@temporalio/workflow';
import type { IssueSignal } from './issue-signal.ts';
import { ISSUE_SIGNAL, WAKE_SIGNAL } from './names.ts';

/** Hands an issue to its alert stream. */
export const issueSignal = defineSignal<[IssueSignal]>(ISSUE_SIGNAL);

/** Makes the orchestrator scan now. */
export const wakeSignal = defineSignal(WAKE_SIGNAL);
