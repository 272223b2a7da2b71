export { runWorkerApp } from './run-worker-app.ts';
export type { WorkerAppOptions } from './run-worker-app.ts';
export { runApiApp } from './run-api-app.ts';
export type { ApiAppOptions } from './run-api-app.ts';
export type { AppOptions, CodecSettings, DataConverter, MigrationContext, None } from './app-options.ts';
export type { ApiApp, App, AppBase, TemporalSettings, WithClient, WorkerApp } from './app.ts';
export type { DatabaseOptions, Databases, DatabasesOf } from './databases.ts';
export { sharedVariables } from './variables.ts';
export type { ConfigOf, Variables } from './variables.ts';
