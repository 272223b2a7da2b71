export { describeProcesses } from './apps/describe-processes.ts';
export { loadApp } from './apps/find-apps.ts';
export type {
  AppDefinition,
  AppGround,
  AppPort,
  AppProcess,
  AppProcessSpec,
  DemoContext,
  LaunchOptions,
  ProcessLaunch,
  RegisteredApp,
} from './apps/app-definition.ts';
export { StackError, type StackErrorCode } from './errors.ts';
export type { Part, PartContext, StartedPart } from './parts/part.ts';
export { createTemporalPart } from './parts/temporal.ts';
export { provideTemporalCli } from './parts/temporal-cli.ts';
export { cacheDirectory } from './parts/temporal-resolver.ts';
export { isPortFree, type PortWish } from './ports.ts';
export type { ProcessIdentity } from '@heliograph/bootstrap';
export type { Environment, ProcessState, ProcessView, ServerSpec, StackEvent } from './server-spec.ts';
export type { RunningProcesses, Stack, StackOptions, StackProfile } from './stack.ts';
export { buildApps } from './start/build-apps.ts';
export { defaultParts, startStack } from './start-stack.ts';
export { readRunState, type RunState } from './state-directory.ts';
