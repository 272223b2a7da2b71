/** Header in which a trace context travels with a workflow. Headers are never encrypted: nothing else goes there. */
export const TRACE_HEADER = 'heliograph-trace';
