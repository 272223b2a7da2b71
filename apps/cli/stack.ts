import type { AppDefinition } from '@heliograph/stack';
/** The command line has no process of its own; `npm start` builds it, so that `npx heliograph` works meanwhile. */
export default {
  name: 'cli',
  order: 90,
  processes: [],
} satisfies AppDefinition;
