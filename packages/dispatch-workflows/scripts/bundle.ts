// Bundles the workflows out of dist, so that a worker starts without a bundler.
import { writeWorkflowBundle } from '@heliograph/temporal-worker';

await writeWorkflowBundle(
  { workflows: new URL('../dist/workflows/index.js', import.meta.url) },
  new URL('../bundle/workflows.js', import.meta.url),
);
