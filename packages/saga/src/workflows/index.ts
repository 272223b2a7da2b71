export { runSaga } from './run-saga.ts';
