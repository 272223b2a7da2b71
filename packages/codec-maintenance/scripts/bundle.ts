// Bundles the workflows out of dist, so that a worker starts without a bundler.
import { FAILURE_CONVERTER_PATH } from '@heliograph/codec/codecs';
import { writeWorkflowBundle } from '@heliograph/temporal-worker';

await writeWorkflowBundle(
  {
    workflows: new URL('../dist/workflows/index.js', import.meta.url),
    // Without it, messages of failures would be stored in clear where payloads are encrypted.
    failureConverter: FAILURE_CONVERTER_PATH,
  },
  new URL('../bundle/workflows.js', import.meta.url),
);
