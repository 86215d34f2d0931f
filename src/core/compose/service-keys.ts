import { attachments, networkMode } from './attachments.ts';
import { commandLine } from './command-line.ts';
import { dependsOn } from './dependencies.ts';
import { cpus, deploy, memory, pidsLimit } from './deploy.ts';
import { environment, envFiles, labels } from './container-environment.ts';
import { containerName, serviceExtension } from './x-supercargo.ts';
import { healthcheck, restart } from './health.ts';
import { capabilities, devices, dns, extraHosts, ipc, pid, ulimits } from './container-settings.ts';
import { fileMounts, mounts, tmpfs } from './mounts.ts';
import type { PullPolicy } from './project-model.ts';
import { containerFile } from './host-paths.ts';
import { expose, ports } from './ports.ts';
import { assignmentRecord, fields, listOf, oneOrMany, setOf, textMap } from './readers.ts';
import { bool, bytes, duration, filledText, integer, oneOf, textLike } from './scalars.ts';
import { IMAGE_ADVICE, UNSUPPORTED_SERVICE_KEYS } from './unsupported.ts';
import { tryParseImage } from '../image/reference.ts';
import { quoted, report, type Reader } from './reader-context.ts';

const image: Reader<string> = (node, c) => {
  const written = filledText(node, c);
  if (written === undefined || tryParseImage(written)) return written;
  return report(c, node, `${quoted(c, node, written)} is not an image reference`, IMAGE_ADVICE);
};

const pullPolicy: Reader<PullPolicy> = (node, c) => {
  const policy = oneOf('always', 'never', 'missing', 'if_not_present')(node, c);
  return policy === 'if_not_present' ? 'missing' : policy;
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
  deploy,
  depends_on: dependsOn,
  healthcheck,
  logging: fields({ driver: filledText, options: textMap }),
  labels,
  container_name: containerName,
  user: filledText,
  working_dir: containerFile,
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
  security_opt: setOf(filledText),
  privileged: bool,
  devices,
  ulimits,
  sysctls: assignmentRecord,
  shm_size: bytes,
  pid,
  ipc,
  group_add: setOf(filledText),
  mem_limit: memory,
  mem_reservation: memory,
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
