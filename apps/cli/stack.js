/** The command line has no process of its own; `npm start` builds it, so that `npx heliograph` works meanwhile. */
/** @type {import('@heliograph/stack').AppDefinition} */
export default {
  name: 'cli',
  order: 90,
  processes: [],
};
