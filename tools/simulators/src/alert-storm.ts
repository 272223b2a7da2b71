import { pick, seededRandom, type Random } from './random.ts';

/** An issue as `POST /api/v1/issues` accepts it. */
export interface StormIssue {
  readonly eventId: string;
  readonly monitor: string;
  readonly fingerprint: string;
  readonly status: 'firing' | 'resolved' | 'suppressed';
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string | null;
}

/** Something that may break, and the issues that a monitor reports of it. */
export interface StormSubject {
  readonly fingerprint: string;
  issue(status: StormIssue['status'], at: number): StormIssue;
}

/** Monitors of a Kubernetes platform: name, severity, and what they say. */
const MONITORS = [
  ['KubePodCrashLooping', 'critical', 'restarts more than 3 times in 10 minutes'],
  ['KubePodNotReady', 'warning', 'has not been ready for 15 minutes'],
  ['KubeDeploymentReplicasMismatch', 'warning', 'has fewer replicas than it should'],
  ['KubePersistentVolumeFillingUp', 'critical', 'is expected to fill up within four days'],
  ['ContainerMemoryNearLimit', 'warning', 'uses more than 95 % of its memory limit'],
  ['HttpErrorRateHigh', 'critical', 'answers more than 5 % of its requests with 5xx'],
  ['HttpLatencyHigh', 'warning', 'needs more than 1 s at the 99th percentile'],
  ['NodeDiskPressure', 'critical', 'is under disk pressure'],
] as const;
const CLUSTERS = ['prod-eu-west-1', 'prod-us-east-1', 'staging-eu-west-1'] as const;
const NAMESPACES = ['payments', 'checkout', 'identity', 'search', 'ingest', 'kube-system'] as const;
const WORKLOADS = ['api', 'worker', 'gateway', 'scheduler', 'indexer', 'ledger'] as const;
const ZONES = ['a', 'b', 'c'] as const;

/** Creates subjects with realistic labels; the same seed gives the same storm. */
export function createAlertStorm(options: {
  readonly seed: number;
  readonly subjects: number;
}): readonly StormSubject[] {
  const random = seededRandom(options.seed);
  return Array.from({ length: options.subjects }, (_, index) => createSubject(random, options.seed, index));
}

function createSubject(random: Random, seed: number, index: number): StormSubject {
  const [monitor, severity, says] = pick(random, MONITORS);
  const cluster = pick(random, CLUSTERS);
  const namespace = pick(random, NAMESPACES);
  const workload = pick(random, WORKLOADS);
  const pod = `${workload}-${hex(random, 10)}-${hex(random, 5)}`;
  const fingerprint = `${hex(random, 12)}${index.toString(16).padStart(4, '0')}`;
  const labels = {
    alertname: monitor,
    cluster,
    namespace,
    workload,
    pod,
    container: workload,
    node: `ip-10-0-${Math.floor(random() * 256)}-${Math.floor(random() * 256)}`,
    zone: `${cluster.replace(/^\w+-/, '')}${pick(random, ZONES)}`,
    team: namespace === 'kube-system' ? 'platform' : namespace,
  };
  const annotations = {
    summary: `${namespace}/${pod} ${says}`,
    description: `${monitor} in ${cluster}: ${namespace}/${pod} on ${labels.node} ${says}.`,
    runbook_url: `https://runbooks.example.com/${monitor.toLowerCase()}`,
  };
  let events = 0;
  let firingSince: number | undefined;
  return {
    fingerprint,
    issue(status, at) {
      if (status === 'firing') firingSince ??= at;
      const startsAt = firingSince ?? at;
      if (status === 'resolved') firingSince = undefined;
      return {
        eventId: `${seed.toString(36)}-${fingerprint}-${events++}`,
        monitor,
        fingerprint,
        status,
        severity,
        labels,
        annotations,
        startsAt: new Date(startsAt).toISOString(),
        endsAt: status === 'resolved' ? new Date(at).toISOString() : null,
      };
    },
  };
}

function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
}
