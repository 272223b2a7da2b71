import { startLoopbackServer } from '@heliograph/simulators';
import { expect, test } from '@jest/globals';
import { readSdkMetrics } from './sdk-metrics.ts';

async function read(status: number, body: string): Promise<unknown> {
  const server = await startLoopbackServer((response) => response.writeHead(status).end(body));
  try {
    return await readSdkMetrics(Number(new URL(server.url).port));
  } finally {
    await server.close();
  }
}

test('the metrics of the SDK are passed on as they are', async () => {
  await expect(read(200, 'temporal_x 1\n')).resolves.toBe('temporal_x 1\n');
});

test.each([404, 500, 503])('the page of an error %i is not passed on as metrics', async (status) => {
  await expect(read(status, '<h1>hunter2</h1>')).rejects.toThrow(`HTTP ${status}`);
});
