/** The nine ports of one Temporal server. 0 is not possible: the members announce the configured number. */
export interface TemporalPorts {
  /** gRPC, the address of clients */
  readonly frontend: number;
  readonly frontendHttp: number;
  readonly frontendMembership: number;
  readonly matching: number;
  readonly matchingMembership: number;
  readonly history: number;
  readonly historyMembership: number;
  readonly worker: number;
  readonly workerMembership: number;
}

/** Mutual TLS for the clients of a plain server, by PEM files. */
export interface ServerTls {
  /** The name that the certificate is for. */
  readonly serverName: string;
  /** Has issued all that follows, and those of the clients. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** With which the server's own workers are its clients. */
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
}

/**
 * Gives the dynamic configuration of a profile.
 *
 * The poll rates count per shard and the embedded server has one: their default of 20 a second would be its brake.
 */
export function dynamicConfig(
  profile: 'local' | 'test',
): Readonly<Record<string, string | number | boolean>> {
  return {
    'history.timerProcessorMaxTimeShift': profile === 'test' ? '1ms' : '20ms',
    'history.timerProcessorMaxPollRPS': 1000,
    'history.transferProcessorMaxPollRPS': 1000,
    'history.visibilityProcessorMaxPollRPS': 1000,
    'matching.enableFairness': true,
    // Search attributes are usable at once; a cluster would pay for this with a query per read.
    'system.forceSearchAttributesCacheRefreshOnRead': true,
    // How long after a build was replaced, and how often, the server looks for runs that are pinned to it. The default, 3 minutes,
    // makes up for a visibility store that lags behind.
    'matching.wv.VersionDrainageStatusVisibilityGracePeriod': profile === 'test' ? '1s' : '10s',
    'matching.wv.VersionDrainageStatusRefreshInterval': profile === 'test' ? '1s' : '10s',
    ...(profile === 'test'
      ? {
          'frontend.WorkflowTimeSkippingEnabled': true,
          'frontend.WorkflowPauseEnabled': true,
          // How long the pollers of a task queue are answered from memory.
          'matching.TaskQueueInfoByBuildIdTTL': '100ms',
          // Priority and fairness order each partition by itself: with one, the order of a whole task queue can be tested.
          'matching.numTaskqueueReadPartitions': 1,
          'matching.numTaskqueueWritePartitions': 1,
        }
      : {}),
  };
}

/** Writes a dynamic configuration as the file that the server reads. */
export function dynamicConfigYaml(config: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(config)
    .map(([key, value]) => `${key}:\n  - value: ${value}\n`)
    .join('');
}

/** Writes a dynamic configuration as arguments of `temporal server start-dev`. */
export function dynamicConfigArguments(
  config: Readonly<Record<string, string | number | boolean>>,
): string[] {
  return Object.entries(config).flatMap(([key, value]) => [
    '--dynamic-config-value',
    `${key}=${JSON.stringify(value)}`,
  ]);
}

/**
 * Writes the configuration of a plain server on one SQLite file.
 *
 * Two traps: with more than one connection the file answers "database is locked", and with a connection lifetime
 * the server would forget everything when it ends.
 */
export function serverYaml({
  ports,
  databaseFile,
  dynamicConfigFile,
  tls,
}: {
  ports: TemporalPorts;
  databaseFile: string;
  dynamicConfigFile: string;
  tls?: ServerTls | undefined;
}): string {
  const store = `
      sql:
        pluginName: sqlite
        databaseName: ${JSON.stringify(databaseFile)}
        connectAddr: localhost
        connectProtocol: tcp
        maxConns: 1
        maxIdleConns: 1
        connectAttributes: { cache: private, setup: "true", journal_mode: wal, synchronous: "1", busy_timeout: "10000" }`;
  return `log: { stdout: true, level: warn }
persistence:
  defaultStore: main
  visibilityStore: visibility
  numHistoryShards: 1
  datastores:
    main:${store}
    visibility:${store}
global:
  membership: { maxJoinDuration: 30s, broadcastAddress: "127.0.0.1" }
${tls === undefined ? '' : tlsYaml(tls)}services:
  frontend: { rpc: { grpcPort: ${ports.frontend}, httpPort: ${ports.frontendHttp}, membershipPort: ${ports.frontendMembership}, bindOnLocalHost: true } }
  matching: { rpc: { grpcPort: ${ports.matching}, membershipPort: ${ports.matchingMembership}, bindOnLocalHost: true } }
  history: { rpc: { grpcPort: ${ports.history}, membershipPort: ${ports.historyMembership}, bindOnLocalHost: true } }
  worker: { rpc: { grpcPort: ${ports.worker}, membershipPort: ${ports.workerMembership}, bindOnLocalHost: true } }
clusterMetadata:
  enableGlobalNamespace: false
  failoverVersionIncrement: 10
  masterClusterName: active
  currentClusterName: active
  clusterInformation:
    active: { enabled: true, initialFailoverVersion: 1, rpcName: frontend, rpcAddress: "127.0.0.1:${ports.frontend}" }
dcRedirectionPolicy: { policy: noop }
dynamicConfigClient: { filepath: ${JSON.stringify(dynamicConfigFile)}, pollInterval: 10s }
`;
}

/** Clients need a certificate; what the server's services say to each other on loopback stays plain. */
function tlsYaml(tls: ServerTls): string {
  const text = JSON.stringify;
  const client = `{ serverName: ${text(tls.serverName)}, rootCaFiles: [${text(tls.caFile)}] }`;
  return `  tls:
    frontend:
      server: { certFile: ${text(tls.certFile)}, keyFile: ${text(tls.keyFile)}, requireClientAuth: true, clientCaFiles: [${text(tls.caFile)}] }
      client: ${client}
    systemWorker:
      certFile: ${text(tls.clientCertFile)}
      keyFile: ${text(tls.clientKeyFile)}
      client: ${client}
`;
}
