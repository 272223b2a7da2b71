/**
 * Reads the metrics that the Temporal SDK serves on a port of loopback, within 2 s.
 *
 * @throws {Error} when it answers with anything but 2xx: an error page is no metrics.
 */
export async function readSdkMetrics(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(2000) });
  if (response.ok) return response.text();
  await response.body?.cancel();
  throw new Error(`the Temporal SDK's metrics: HTTP ${response.status}`);
}
