export { findPayloads, type Found } from './find-payloads.ts';
export { classifyPayload, type PayloadClass } from './classify-payload.ts';
export type { KeyName } from './run-findings.ts';
export {
  countPlain,
  countUses,
  type KeyUse,
  type NamespaceSurvey,
  type Subject,
  type SubjectCounts,
} from './namespace-survey.ts';
export {
  surveyNamespace,
  type SurveyCheckpoint,
  type SurveyOptions,
  type SurveyService,
} from './survey-namespace.ts';
