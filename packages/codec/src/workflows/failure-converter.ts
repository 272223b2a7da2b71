import { DefaultFailureConverter } from '@temporalio/common';

/**
 * The failure converter that goes with the codecs: messages and stack traces of failures travel in a payload, which is
 * encrypted like any other. Without it they are stored in clear. Give its path (`failureConverterPath`) to the client,
 * the worker and the workflow bundle; the plugin of this package does so.
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
