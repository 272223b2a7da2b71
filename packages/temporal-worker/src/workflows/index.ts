export { interceptors } from './tracing.ts';
