import { attachments, networkMode } from './attachments.ts';
import { commandLine } from './command-line.ts';
import { dependsOn, links } from './dependencies.ts';
import { cpus, deploy, memory, memorySwap, pidsLimit, replicas } from './deploy.ts';
import { gpus } from './device-requests.ts';
import { environment, envFiles, labels } from './container-environment.ts';
import { containerName, serviceExtension } from './x-supercargo.ts';
import { healthcheck, restart } from './health.ts';
import {
  capabilities,
  devices,
  dns,
  extraHosts,
  ipc,
  pid,
  securityOptions,
  ulimits,
} from './container-settings.ts';
import { fileMounts, mounts, tmpfs } from './mounts.ts';
import type { PullPolicy } from './project-model.ts';
import { containerFolder } from './host-paths.ts';
import { expose, ports } from './ports.ts';
import { assignmentRecord, fields, listOf, oneOrMany, setOf, textMap } from './readers.ts';
import { bool, bytes, duration, filledText, integer, oneOf, text, textLike } from './scalars.ts';
import { IMAGE_ADVICE, UNSUPPORTED_SERVICE_KEYS } from './unsupported.ts';
import { tryParseImage } from '../image/reference.ts';
import { hint, quoted, report, type Reader } from './reader-context.ts';

const image: Reader<string> = (node, c) => {
  const written = filledText(node, c);
  if (written === undefined || tryParseImage(written)) return written;
  return report(c, node, `${quoted(c, node, written)} is not an image reference`, IMAGE_ADVICE);
};

const pullPolicy: Reader<PullPolicy> = (node, c) => {
  const policy = oneOf('always', 'never', 'missing', 'if_not_present')(node, c);
  return policy === 'if_not_present' ? 'missing' : policy;
};

const usernsMode: Reader<'host'> = (node, c) => {
  const mode = text(node, c);
  if (mode === undefined || mode === 'host') return mode;
  const advice =
    'write host, or remove it: the engine’s mapping (userns-remap in daemon.json) is the default';
  return report(c, node, `userns_mode ${quoted(c, node, mode)} is not supported`, advice);
};

const oomKillDisable: Reader<boolean> = (node, c) => {
  const isDisabled = bool(node, c);
  if (isDisabled === true) hint(c, node, 'has an effect only on a host with cgroup v1: others ignore it');
  return isDisabled;
};

/** Every supported key of a service. The list is part of the public surface. */
export const SERVICE_KEYS = {
  image,
  command: commandLine,
  entrypoint: commandLine,
  environment,
  env_file: envFiles,
  ports,
  expose,
  volumes: mounts,
  tmpfs,
  secrets: fileMounts('secrets', '/run/secrets'),
  configs: fileMounts('configs', ''),
  networks: attachments,
  network_mode: networkMode,
  restart,
  scale: replicas,
  deploy,
  depends_on: dependsOn,
  links,
  healthcheck,
  logging: fields({ driver: filledText, options: textMap }),
  labels,
  container_name: containerName,
  user: filledText,
  working_dir: containerFolder,
  hostname: filledText,
  domainname: filledText,
  extra_hosts: extraHosts,
  dns,
  dns_search: oneOrMany(filledText),
  dns_opt: listOf(filledText),
  init: bool,
  tty: bool,
  stdin_open: bool,
  stop_signal: textLike(/^(?:SIG)?[A-Z0-9+-]+$/, 'a signal', 'write it like SIGTERM'),
  stop_grace_period: duration,
  read_only: bool,
  cap_add: capabilities,
  cap_drop: capabilities,
  security_opt: securityOptions,
  privileged: bool,
  devices,
  gpus,
  runtime: filledText,
  ulimits,
  sysctls: assignmentRecord,
  shm_size: bytes,
  pid,
  ipc,
  cgroup: oneOf('host', 'private'),
  userns_mode: usernsMode,
  group_add: setOf(filledText),
  mem_limit: memory,
  mem_reservation: memory,
  memswap_limit: memorySwap,
  oom_kill_disable: oomKillDisable,
  oom_score_adj: integer(-1000, 1000),
  cpus,
  cpu_shares: integer(2, 262_144),
  cpuset: textLike(/^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/, 'a set of processors', 'write it like 0-3 or 0,2'),
  pids_limit: pidsLimit,
  platform: textLike(/^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9]+)?$/, 'a platform', 'write it like linux/amd64'),
  pull_policy: pullPolicy,
  'x-supercargo': serviceExtension,
};

export const service = fields(SERVICE_KEYS, UNSUPPORTED_SERVICE_KEYS);
export type ServiceFields = NonNullable<ReturnType<typeof service>>;
