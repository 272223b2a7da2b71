import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { findUnusedPort } from './tcp-server.ts';

test('nobody listens on an unused port', async () => {
  const socket = connect(await findUnusedPort(), '127.0.0.1');
  const error = await new Promise((resolve) => socket.once('error', resolve));
  expect(error).toMatchObject({ code: 'ECONNREFUSED' });
});
