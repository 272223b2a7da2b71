/**
 * What is wrong with the files of a tarball: sources, tests and stray files in it, or something missing that the package
 * has on disk.
 * @param packed paths inside the tarball
 * @returns one line each
 */
export function packedFileProblems(
  packed: readonly string[],
  { hasMigrations }: { hasMigrations: boolean },
): readonly string[] {
  const stray = packed.filter((path) => !ALLOWED.some((pattern) => pattern.test(path)));
  const tests = packed.filter((path) => TEST.test(path));
  const missing = ['README.md', 'LICENSE', 'package.json', 'dist/index.js', 'dist/index.d.ts'].filter(
    (path) => !packed.includes(path),
  );
  const hasSql = packed.some((path) => /^migrations\/.+\.sql$/.test(path));
  return [
    ...stray.map((path) => `${path} does not belong into a tarball`),
    ...tests.map((path) => `${path} is for tests`),
    ...missing.map((path) => `${path} is missing`),
    ...(hasMigrations && !hasSql ? ['migrations are missing: add "migrations" to files'] : []),
  ];
}

const ALLOWED = [
  /^(?:README\.md|LICENSE|CHANGELOG\.md|package\.json|openapi\.json)$/,
  /^dist\/.+\.(?:js|d\.ts)(?:\.map)?$/,
  /^bundle\/[^/]+\.js(?:\.json|\.map)?$/,
  /^migrations\/.+\.(?:sql|json)$/,
  /^vectors\/[^/]+\.json$/,
];
const TEST = /\.(?:test|test-d|histories)\.|(?:^|\/)(?:testing|__histories__|fixtures)\//;
