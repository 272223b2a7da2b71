import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { startSynDropServer } from './syn-drop-server.ts';

test('connecting to a server that drops SYN neither succeeds nor fails', async () => {
  const server = await startSynDropServer();
  const socket = connect(server.port, '127.0.0.1');
  const event = await new Promise((resolve) => {
    socket.once('connect', () => resolve('connect')).once('error', resolve);
    setTimeout(resolve, 500, 'nothing');
  });
  socket.destroy();
  await server.close();
  expect(event).toBe('nothing');
});
