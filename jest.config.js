/** One configuration for every package; the targets `it` and `system` override testMatch and the timeout. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/src/**/!(*.it|*.system).test.{ts,js}'],
  injectGlobals: false,
  extensionsToTreatAsEsm: ['.ts'],
  testEnvironmentOptions: { customExportConditions: ['@heliograph/source', 'node', 'node-addons'] },
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, sourceMaps: 'inline' },
    ],
  },
};
