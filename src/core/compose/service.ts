import { isLiteral, nodeAt, quoted, report, type Context } from './reader-context.ts';
import { canonicalJson } from './canonical.ts';
import type { WrittenLink } from './dependencies.ts';
import type {
  ContainerSpec,
  DeviceRequest,
  InlineFile,
  Mount,
  NetworkMode,
  RestartPolicy,
  Service,
} from './project-model.ts';
import { engineNeeds } from './engine-needs.ts';
import type { WrittenPort } from './ports.ts';
import { present, toRecord } from './readers.ts';
import { service as readFields, type ServiceFields } from './service-keys.ts';
import type { Node } from './node.ts';

/** A service in its normal form, with positions for the messages of later checks. */
export interface WrittenService {
  readonly service: Service;
  readonly ports: readonly WrittenPort[];
  readonly links: readonly WrittenLink[];
  readonly node: Node;
}

export type Services = ReadonlyMap<string, WrittenService>;

const DEFAULTS = { monitorMs: 5000, healthyWithinMs: 60_000, drainMs: 30_000, stopGraceMs: 10_000 };

/** For flags that are off by default, false and absence are the same. */
const flag = (value: boolean | undefined): true | undefined => (value === true ? true : undefined);
const nonZero = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

/** Returns the value of two keys with the same meaning. */
const either = (
  c: Context,
  node: Node,
  short: { key: string; value: number | undefined },
  long: { keys: readonly string[]; value: number | undefined },
): number | undefined => {
  if (short.value !== undefined && long.value !== undefined && short.value !== long.value) {
    report(
      c,
      nodeAt(node, short.key),
      `differs from ${long.keys.join('.')}`,
      `keep one of ${short.key} and ${long.keys.join('.')}`,
    );
  }
  return short.value ?? long.value;
};

const resources = (f: ServiceFields, node: Node, c: Context) => {
  const { limits, reservations } = f.deploy?.resources ?? {};
  const limit = (key: string, value: number | undefined, name: 'cpus' | 'memory' | 'pids') =>
    either(c, node, { key, value }, { keys: ['deploy', 'resources', 'limits', name], value: limits?.[name] });
  const memoryBytes = nonZero(limit('mem_limit', f.mem_limit, 'memory'));
  const reserved = either(
    c,
    node,
    { key: 'mem_reservation', value: f.mem_reservation },
    { keys: ['deploy', 'resources', 'reservations', 'memory'], value: reservations?.memory },
  );
  const cpus = limit('cpus', f.cpus, 'cpus');
  const pids = limit('pids_limit', f.pids_limit, 'pids');
  if (memoryBytes !== undefined && reserved !== undefined && reserved > memoryBytes) {
    report(
      c,
      nodeAt(node, 'mem_reservation'),
      'more memory is reserved than the limit allows',
      'raise mem_limit, or reserve less',
    );
  }
  const memorySwapBytes = nonZero(f.memswap_limit);
  if (memorySwapBytes !== undefined && memorySwapBytes >= 0 && memorySwapBytes < (memoryBytes ?? Infinity)) {
    const at = nodeAt(node, 'memswap_limit');
    if (memoryBytes === undefined) report(c, at, 'needs mem_limit, which it includes', 'add mem_limit');
    else
      report(
        c,
        at,
        'is less than mem_limit, which it includes',
        'raise memswap_limit, or write -1 for no limit',
      );
  }
  return {
    memoryBytes,
    memorySwapBytes,
    memoryReservationBytes: nonZero(reserved),
    nanoCpus: cpus === undefined ? undefined : nonZero(Math.round(cpus * 1e9)),
    cpuShares: f.cpu_shares,
    cpuset: f.cpuset,
    pidsLimit: pids !== undefined && pids <= 0 ? undefined : pids,
  };
};

const allMounts = (f: ServiceFields, c: Context): readonly Mount[] => {
  const given = [...(f.secrets ?? []), ...(f.configs ?? [])];
  const written = [...(f.volumes ?? []), ...given.filter((entry) => 'mount' in entry)];
  const targets = new Set(Object.keys(f.tmpfs ?? {}));
  for (const { mount, node } of written) {
    if (targets.has(mount.target))
      report(
        c,
        node,
        `${isLiteral(node) ? mount.target : quoted(c, node, '')} is mounted twice`,
        'keep one of the two',
      );
    targets.add(mount.target);
  }
  return written.map(({ mount }) => mount).toSorted((a, b) => (a.target < b.target ? -1 : 1));
};

const inlineFiles = (f: ServiceFields, c: Context): readonly InlineFile[] | undefined => {
  const given = [...(f.secrets ?? []), ...(f.configs ?? [])];
  const written = given.filter((entry) => 'file' in entry);
  const mounted = [
    ...Object.keys(f.tmpfs ?? {}),
    ...[...(f.volumes ?? []), ...given].flatMap((entry) => ('mount' in entry ? [entry.mount.target] : [])),
  ];
  for (const { file, node } of written) {
    if (f.read_only === true)
      report(c, node, 'cannot be put into a read-only container', 'write file: PATH at the top level');
    else if (mounted.some((target) => file.target === target || file.target.startsWith(`${target}/`)))
      report(c, node, 'is covered by a mount', 'choose another target, or write file: PATH at the top level');
  }
  const files = written.map(({ file }) => file).toSorted((a, b) => (a.target < b.target ? -1 : 1));
  return files.length === 0 ? undefined : files;
};

const networkMode = (f: ServiceFields, node: Node, c: Context): NetworkMode => {
  if (f.network_mode === undefined) {
    const attachments = f.networks?.length ? f.networks : [{ network: 'default', aliases: [] }];
    return { kind: 'networks', attachments };
  }
  const mode = f.network_mode;
  if (f.networks !== undefined)
    report(c, nodeAt(node, 'networks'), 'has both networks and network_mode', 'keep one of the two');
  // The engine refuses these or silently ignores them.
  const ownsNothing = mode === 'host' || mode === 'none' || mode.startsWith('container:');
  const clashes = [
    ...(ownsNothing ? ['ports'] : []),
    ...(mode.startsWith('container:') ? ['hostname', 'dns', 'extra_hosts', 'expose'] : []),
  ];
  const shown = isLiteral(nodeAt(node, 'network_mode')) ? `network_mode ${mode}` : 'this network_mode';
  for (const key of clashes) {
    if (node.kind === 'map' && node.entries.has(key)) {
      report(c, nodeAt(node, key), `${key} has no effect with ${shown}`, `remove ${key}, or network_mode`);
    }
  }
  return { kind: 'mode', mode };
};

const uniquePorts = (f: ServiceFields) => {
  const seen = new Map((f.ports ?? []).map(({ port }) => [JSON.stringify(port), port]));
  return [...seen.values()];
};

const restartOf = (f: ServiceFields, node: Node, c: Context): RestartPolicy => {
  const declared = f.deploy?.restart_policy;
  if (f.restart && declared && canonicalJson(f.restart) !== canonicalJson(declared))
    report(
      c,
      nodeAt(node, 'restart'),
      'differs from deploy.restart_policy',
      'keep one of restart and deploy.restart_policy',
    );
  return f.restart ?? declared ?? { name: 'no', maxRetries: 0 };
};

const allDeviceRequests = (f: ServiceFields): readonly DeviceRequest[] | undefined => {
  const requests = [...(f.gpus ?? []), ...(f.deploy?.resources?.reservations?.devices ?? [])];
  return requests.length === 0 ? undefined : requests;
};

const containerSpec = (f: ServiceFields, node: Node, c: Context): ContainerSpec => ({
  environment: Object.fromEntries(
    Object.entries({ ...f.env_file, ...f.environment }).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ),
  labels: f.labels ?? {},
  stopGraceMs: f.stop_grace_period ?? DEFAULTS.stopGraceMs,
  restart: restartOf(f, node, c),
  ports: uniquePorts(f),
  expose: f.expose ?? [],
  mounts: allMounts(f, c),
  tmpfs: f.tmpfs ?? {},
  networkMode: networkMode(f, node, c),
  extraHosts: f.extra_hosts ?? [],
  dns: f.dns ?? [],
  dnsSearch: f.dns_search ?? [],
  dnsOptions: f.dns_opt ?? [],
  capAdd: f.cap_add ?? [],
  capDrop: f.cap_drop ?? [],
  securityOpt: f.security_opt ?? [],
  devices: f.devices ?? [],
  ulimits: f.ulimits ?? [],
  sysctls: f.sysctls ?? {},
  groupAdd: f.group_add ?? [],
  ...present({
    command: f.command,
    entrypoint: f.entrypoint,
    user: f.user,
    workingDir: f.working_dir,
    hostname: f.hostname,
    domainname: f.domainname,
    tty: flag(f.tty),
    stdinOpen: flag(f.stdin_open),
    init: f.init,
    stopSignal: f.stop_signal,
    healthcheck: f.healthcheck,
    logging: f.logging && { options: f.logging.options ?? {}, ...present({ driver: f.logging.driver }) },
    readOnly: flag(f.read_only),
    privileged: flag(f.privileged),
    shmSizeBytes: nonZero(f.shm_size),
    pid: f.pid,
    ipc: f.ipc,
    platform: f.platform,
    cgroup: f.cgroup,
    runtime: f.runtime,
    deviceRequests: allDeviceRequests(f),
    oomKillDisable: flag(f.oom_kill_disable),
    oomScoreAdj: nonZero(f.oom_score_adj),
    usernsMode: f.userns_mode,
    files: inlineFiles(f, c),
    ...resources(f, node, c),
  }),
});

/**
 * Reads one service and reports its own conflicts. `project-checks.ts` reports conflicts between services.
 */
export const readService = (node: Node, c: Context, name: string): WrittenService | undefined => {
  const used = new Map<string, string>();
  const f = readFields(node, { ...c, used });
  if (f === undefined || node.kind !== 'map') return undefined;
  if (!node.entries.has('image'))
    report(c, node, 'has no image', 'add image: REPOSITORY; the manifest says which version');
  const update = f.deploy?.update_config;
  const extension = f['x-supercargo'];
  const service: Service = {
    name,
    image: f.image ?? '',
    container: containerSpec(f, node, c),
    containerName: f.container_name,
    replicas:
      either(
        c,
        node,
        { key: 'scale', value: f.scale },
        { keys: ['deploy', 'replicas'], value: f.deploy?.replicas },
      ) ?? 1,
    update: {
      order: update?.order ?? 'stop-first',
      parallelism: update?.parallelism ?? 1,
      delayMs: update?.delay ?? 0,
      monitorMs: update?.monitor ?? DEFAULTS.monitorMs,
      failureAction: update?.failure_action ?? 'rollback',
    },
    dependsOn: f.depends_on ?? [],
    pullPolicy: f.pull_policy ?? 'missing',
    healthyWithinMs: extension?.['healthy-within'] ?? DEFAULTS.healthyWithinMs,
    drainMs: extension?.drain ?? DEFAULTS.drainMs,
    ready: extension?.ready,
    versionFrom: extension?.['version-from'],
    replaces: extension?.replaces,
    ...(extension?.once !== undefined && { once: extension.once }),
    ...(used.size > 0 && { variables: toRecord(used) }),
  };
  for (const need of engineNeeds(service.container)) {
    const { place, path } = nodeAt(node, ...need.keys);
    c.needs.push({ ...need, file: place.file, line: place.line, path });
  }
  return { service, ports: f.ports ?? [], links: f.links ?? [], node };
};
