export { collectStoredPayloads } from './collect-stored-payloads.ts';
export { rotateKeys } from './rotate-keys.ts';
