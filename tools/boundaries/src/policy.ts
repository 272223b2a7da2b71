// What the rules allow. Packages are named without their scope, as their folders are.

export type Layer = 'app' | 'skeleton' | 'domain' | 'contract' | 'foundation' | 'tooling';
export type Runtime = 'node' | 'isolate' | 'both';
export interface ReasonedEdge {
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

export const LAYERS: readonly Layer[] = ['app', 'skeleton', 'domain', 'contract', 'foundation', 'tooling'];

export const RUNTIMES: readonly Runtime[] = ['node', 'isolate', 'both'];

/** Which layers the projects of a workspace folder may have. */
export const LAYERS_OF_FOLDER: Readonly<Record<string, readonly Layer[]>> = {
  apps: ['app'],
  packages: ['skeleton', 'domain', 'contract', 'foundation', 'tooling'],
  tools: ['tooling'],
};

/**
 * Which runtimes a layer may have, where that is limited: a skeleton is a process, and a wire contract is read by
 * servers, command lines and browsers alike.
 */
export const RUNTIMES_OF_LAYER: Readonly<Record<string, readonly Runtime[]>> = {
  skeleton: ['node'],
  contract: ['isolate', 'both'],
};

/**
 * Domains meet in the contract that the package on the right exports. A wire contract that reads a domain is listed here
 * too: whoever reads the contract then installs the domain as well.
 */
export const CONTRACT_EDGES: readonly ReasonedEdge[] = [
  { from: 'incident', to: 'health-machine', why: 'incidents are made of health events' },
  { from: 'uptime', to: 'health-machine', why: 'the state log is made of health events' },
  { from: 'node-workflows', to: 'health-machine', why: 'node workflows ask for states and permits' },
  { from: 'incident', to: 'notifier', why: 'an incident asks for notifications' },
  { from: 'dispatch-workflows', to: 'notifier', why: 'an alert is delivered through a channel' },
];

/** Foundations stand alone; an edge between two of them is written here with its reason. */
export const FOUNDATION_EDGES: readonly ReasonedEdge[] = [
  {
    from: 'service',
    to: 'api-contract',
    why: 'the edge carries out the operations that a contract declares',
  },
  {
    from: 'auth',
    to: 'service',
    why: 'its authenticators implement the port of the edge, and an app mounts its routes there',
  },
  { from: 'auth', to: 'database', why: 'keys, members and roles are rows of its own schema' },
  { from: 'execution-log', to: 'database', why: 'executions are rows of its own schema' },
];

/** Entries of other packages that isolate files may import, where they are isolate code of theirs. */
export const ISOLATE_ENTRIES = ['.', './workflows', './policies'];

/** What isolate files may import from outside the workspace; a name that ends in `/` allows everything below it. */
export const ISOLATE_PACKAGES = [
  '@temporalio/workflow',
  // The activator alone: an interceptor of ours decides by it what a worker tells the server of its workflows.
  '@temporalio/workflow/lib/global-attributes.js',
  '@temporalio/common',
  '@temporalio/common/lib/',
];

/** Libraries that use nothing of Node, in any entry. */
export const PURE_LIBRARIES = ['valibot', '@valibot/to-json-schema'];

/** Dev dependencies of the workspace root that every test may import. */
export const ROOT_TEST_PACKAGES = ['@jest/globals', 'fast-check', 'typescript'];

/** Files that only tests use: they run in Node and may use dev dependencies and those of the root. */
export const TEST_FILES = [/\.test\.[cm]?[jt]sx?$/, /\.test-d\.ts$/, /\.histories\.ts$/, /^src\/testing\//];

/** Files that only developers use: they run in Node and may use dev dependencies. */
export const DEV_FILES = [
  /^(?:demo|scripts|bench)\//,
  /\.bench\.[cm]?[jt]s$/,
  /^stack\.[jt]s$/,
  /^[\w-]+\.config\.[cm]?[jt]s$/,
];

/** Folders whose files are no source of the project. */
export const IGNORED_FOLDERS = new Set(['node_modules', 'dist', 'bundle', 'coverage', 'fixtures']);

export const LICENSE = 'Apache-2.0';
