export { monitorInstanceAlert } from './monitor-instance-alert.ts';
export { monitorInstances } from './monitor-instances.ts';
