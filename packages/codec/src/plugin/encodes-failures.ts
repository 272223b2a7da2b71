import assert from 'node:assert';
import { createContext, Script } from 'node:vm';

/** A text that nothing else has: whoever finds it in a failure found a message that is stored in clear. */
const PROBE = 'heliograph-probe-of-a-failure';
const TIMEOUT_MS = 10_000;

/**
 * Does in the bundle what a workflow does that fails: its runtime is started for a workflow of our own, which needs no
 * module of the user, and makes a failure of an error with a cause. What comes out has the text in clear or has not.
 */
const RUN_PROBE = `
  Object.assign(globalThis, { __TEMPORAL__: {
    ...__TEMPORAL__,
    importWorkflows: () => ({ default: () => undefined }),
    importInterceptors: () => [],
  } });
  __TEMPORAL__.api.initRuntime({
    info: { workflowType: 'probe', workflowId: 'probe', runId: 'probe', namespace: 'probe', taskQueue: 'probe',
      historyLength: 1, unsafe: { isReplaying: false, isReplayingHistoryEvents: false }, memo: {}, searchAttributes: {} },
    now: 0, randomnessSeed: [1], registeredActivityNames: new Set(), showStackTraceSources: false, stackTracesEnabled: false,
    sourceMap: '', getTimeOfDay: () => 0n,
  });
  const failure = __TEMPORAL_ACTIVATOR__.errorToFailure(
    Object.assign(new Error(probe, { cause: new Error(probe) }), { name: 'Probe' }));
  const levels = [failure, failure.cause];
  levels.every((level) => level.encodedAttributes != null)
    && levels.every((level) => ![level.message, level.stackTrace].some((text) => String(text).includes(probe)));
`;

/**
 * Whether workflows of a bundle encode messages and stack traces of failures. It runs the bundle, as a worker does, and asks
 * it: what the bundle says about itself, or mentions, does not count, and however it was built does not matter. A bundle
 * that does not run here is none of which that is known. Takes about 100 ms.
 */
export function encodesFailures(code: string): boolean {
  const context = createContext({ probe: PROBE }, { microtaskMode: 'afterEvaluate' });
  const globals = {
    URL,
    URLSearchParams,
    assert,
    TextEncoder,
    TextDecoder,
    AbortController,
    console: silent,
  };
  for (const [name, value] of Object.entries({ ...globals, __webpack_module_cache__: {} }))
    Object.defineProperty(context, name, { value });
  try {
    new Script(code, { filename: 'workflow-bundle.js' }).runInContext(context, { timeout: TIMEOUT_MS });
    const answer: unknown = new Script(RUN_PROBE).runInContext(context, { timeout: TIMEOUT_MS });
    return answer === true;
  } catch {
    return false;
  }
}

const nothing = (): void => undefined;
const silent = { log: nothing, warn: nothing, error: nothing, info: nothing, debug: nothing };
