import { describe, expect, it } from 'vitest';
import { classify, toEngineError, toRegistryError } from '../../../../src/adapters/docker/engine-error.ts';
import { AgentError } from '../../../../src/core/errors.ts';

const oci =
  'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ';

/** A setting that the engine will never take: 20.10 says most of these itself, the others are of newer engines. */
const REFUSED: readonly string[] = [
  'error gathering device information while adding custom device "/dev/nvidia9": no such file or directory',
  'error gathering device information while adding custom device "/etc/passwd": not a device node',
  'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available',
  'range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available',
  'Invalid value x for cpuset cpus: invalid format: x',
  'Minimum memory limit allowed is 6MB',
  'Minimum memory limit can not be less than memory reservation limit, see usage',
  'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
  'error looking up logging plugin nosuch: plugin "nosuch" not found',
  "logger: no log driver named 'nosuch' is registered",
  "unknown log opt 'nosuch' for syslog log driver",
  'logger: logging mode not supported: weird',
  "failed to initialize logging driver: invalid size: 'huge'",
  'failed to create task for container: failed to initialize logging driver: strconv.Atoi: parsing "x": invalid syntax',
  'failed to initialize logging driver: journald is not enabled on this host',
  'invalid CapAdd: unknown capability: "CAP_NOSUCH"',
  'Invalid signal: SIGNOSUCH',
  'Unknown runtime specified nosuch',
  'unknown or invalid runtime name: nosuch',
  'invalid --security-opt 2: "nosuch=1"',
  "Decoding seccomp profile failed: invalid character '/' looking for beginning of value",
  'Invalid IPC mode: nosuch',
  'uids and gids must be in range 0-2147483647',
  'path /tmp is mounted on / but it is not a shared mount',
  'invalid tmpfs option ["nosuch"]',
  'Duplicate mount point: /x',
  'bad format for add-host: "nosuch"',
  'conflicting options: hostname and the network mode',
  'network-scoped alias is supported only for containers in user defined networks',
  'could not select device driver "nvidia" with capabilities: [[gpu]]',
  'failed to create task for container: CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=all',
  `${oci}error during container init: error setting cgroup config for procHooks process: the minimum allowed cpu-shares is 2: unknown`,
  `${oci}error during container init: error setting rlimits for ready process: error setting rlimit type 7: operation not permitted: unknown`,
  `${oci}error during container init: open /proc/sys/net/nosuch: no such file or directory: unknown`,
  `${oci}error during container init: write /proc/sys/net/ipv4/ip_forward: permission denied: unknown`,
  `${oci}error during container init: sethostname: invalid argument: unknown`,
  'failed to create shim task: OCI runtime create failed: runc create failed: wrong rlimit value: RLIMIT_NOSUCH: unknown',
  'failed to create shim task: OCI runtime create failed: runc create failed: sysctl "kernel.nosuch" is not in a separate kernel namespace: unknown',
  'failed to create shim task: OCI runtime create failed: runc create failed: sysctl "net.ipv4.ip_forward" not allowed in host network namespace: unknown',
];

/** What passes by itself although it sounds like the others. */
const PASSING: readonly string[] = [
  'failed to initialize logging driver: dial tcp 127.0.0.1:5999: connect: connection refused',
  'failed to initialize logging driver: dial tcp: lookup logs.example.com: no such host',
  'failed to initialize logging driver: gelf: cannot connect to GELF endpoint: 127.0.0.1:5999 dial tcp 127.0.0.1:5999: i/o timeout',
  'failed to create shim task: context deadline exceeded: unknown',
  'failed to start shim: fork/exec /usr/bin/containerd-shim-runc-v2: resource temporarily unavailable: unknown',
  'runtime error: invalid memory address or nil pointer dereference',
  `${oci}error during container init: permission denied: unknown`,
];

/** As engines 20.10 and 28 say it. */
const SAID: readonly (readonly [code: string, retry: string, words: string])[] = [
  ['DISK_FULL', 'changed', 'write /var/lib/docker/tmp/GetImageBlob1: no space left on device'],
  [
    'PORT_TAKEN',
    'changed',
    'driver failed programming external connectivity on endpoint web (3db5): Bind for 0.0.0.0:80 failed: port is already allocated',
  ],
  [
    'PORT_TAKEN',
    'changed',
    'driver failed programming external connectivity on endpoint web (3db5): Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use',
  ],
  [
    'PORT_TAKEN',
    'changed',
    'failed to set up container networking: driver failed programming external connectivity on endpoint web: failed to bind host port for 0.0.0.0:80',
  ],
  [
    'NAME_TAKEN',
    'changed',
    'Conflict. The container name "/web" is already in use by container "4015". You have to remove (or rename) that container to be able to reuse that name.',
  ],
  ['NETWORK', 'changed', 'Address already in use'],
  ['NETWORK', 'changed', 'Pool overlaps with other one on this address space'],
  ['NETWORK', 'changed', "Invalid address 10.0.9.9: It does not belong to any of this network's subnets"],
  [
    'NETWORK',
    'changed',
    'user specified IP address is supported only when connecting to networks with user configured subnets',
  ],
  ['NETWORK', 'changed', 'network test_front not found'],
  [
    'NETWORK',
    'changed',
    'Error starting userland proxy: listen tcp4 10.1.2.3:80: bind: cannot assign requested address',
  ],
  ['IMAGE_NOT_FOUND', 'changed', 'manifest for org/volume:1 not found'],
  [
    'VOLUME',
    'changed',
    "error while creating mount source path '/proc/x': mkdir /proc/x: no such file or directory",
  ],
  ['VOLUME', 'changed', 'invalid mount config for type "bind": bind source path does not exist: /nope'],
  [
    'VOLUME',
    'changed',
    `${oci}error during container init: error mounting "/a" to rootfs at "/b": mount /a:/b, flags: 0x5000: not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)?`,
  ],
  ['RELEASE', 'changed', `${oci}exec: "nope": executable file not found in $PATH: unknown`],
  ['RELEASE', 'changed', `${oci}exec: "/nope": stat /nope: no such file or directory: unknown`],
  ['RELEASE', 'changed', `${oci}exec: "/etc/passwd": permission denied: unknown`],
  ['RELEASE', 'changed', 'unable to find user ghost: no matching entries in passwd file'],
  ['RELEASE', 'changed', 'Unable to find group ghost: no matching entries in group file'],
  ['RELEASE', 'changed', 'No command specified'],
  // The host's, not the release's: it must not be quarantined for them.
  ['ENGINE', 'later', `${oci}unable to apply caps: operation not permitted: unknown`],
  ['ENGINE', 'later', `${oci}can't get final child's PID from pipe: EOF: unknown`],
  ['IMAGE_NOT_FOUND', 'later', 'No such image: sha256:0123'],
  ['IMAGE_NOT_FOUND', 'changed', 'manifest unknown: manifest unknown'],
  ['IMAGE_NOT_FOUND', 'changed', 'no matching manifest for linux/arm64/v8 in the manifest list entries'],
  ['REGISTRY', 'later', 'toomanyrequests: You have reached your pull rate limit.'],
  ['REGISTRY_AUTH', 'changed', 'Get "http://127.0.0.1:5000/v2/web/manifests/1": no basic auth credentials'],
  [
    'REGISTRY_AUTH',
    'changed',
    "pull access denied for org/web, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
  ],
  ['ENGINE', 'changed', 'Requested CPUs are not available - requested 77, available: 0-1'],
  ['ENGINE', 'changed', "unknown log opt 'nope' for json-file log driver"],
  ...REFUSED.map((words) => ['ENGINE', 'changed', words] as const),
  ...PASSING.map((words) => ['ENGINE', 'later', words] as const),
  ['ENGINE', 'later', 'something that nobody has seen before'],
];

/** What dockerode throws for an answer of the engine. */
const answered = (statusCode: number, message: string): Error =>
  Object.assign(new Error(`(HTTP code ${String(statusCode)}) unexpected - ${message}`), {
    statusCode,
    json: { message },
  });

const failed = (code: string): Error =>
  Object.assign(new Error(`connect ${code} /run/docker.sock`), { code });

const codeOf = (error: unknown): unknown => (error instanceof AgentError ? [error.code, error.retry] : error);

describe('what the engine says', () => {
  it.each(SAID)('is %s, to be tried %s: %s', (code, retry, words) => {
    const error = classify(words, 'cannot start web');
    expect([error.code, error.retry, error.message]).toEqual([code, retry, `cannot start web: ${words}`]);
    expect(error.advice).not.toBe('');
  });

  it('is told without the frame of the client', () => {
    const error = toEngineError(
      answered(409, 'Conflict. The container name "/web" is already in use'),
      'cannot create web',
    );
    expect(codeOf(error)).toEqual(['NAME_TAKEN', 'changed']);
    expect((error as Error).message).toBe(
      'cannot create web: Conflict. The container name "/web" is already in use',
    );
  });
});

describe('an engine that does not answer', () => {
  it.each(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'])('is offline: %s', (code) => {
    expect(codeOf(toEngineError(failed(code), 'cannot look'))).toEqual(['ENGINE_OFFLINE', 'later']);
  });

  it('is offline where its socket hangs up', () => {
    expect(codeOf(toEngineError(new Error('socket hang up'), 'cannot look'))).toEqual([
      'ENGINE_OFFLINE',
      'later',
    ]);
  });

  it('is offline without permission, and says whose', () => {
    const error = toEngineError(failed('EACCES'), 'cannot look', '/run/docker.sock') as AgentError;
    expect([error.code, error.retry]).toEqual(['ENGINE_OFFLINE', 'changed']);
    expect(error.message).toContain('/run/docker.sock');
  });

  it('is not offline where an answer holds these words', () => {
    expect(codeOf(toEngineError(answered(500, 'socket hang up'), 'cannot look'))).toEqual([
      'ENGINE',
      'later',
    ]);
  });
});

describe('an error that is passed on', () => {
  const known = new AgentError('USAGE', 'known');
  const aborted = new DOMException('stop', 'AbortError');

  it.each([toEngineError, toRegistryError])('is the same object when it is ours or an abort', (map) => {
    expect(map(known, 'cannot look')).toBe(known);
    expect(map(aborted, 'cannot look')).toBe(aborted);
  });
});

describe('a registry that was asked through the engine', () => {
  it.each([
    ['REGISTRY', 'Get "http://127.0.0.1:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused'],
    [
      'REGISTRY',
      'Get "https://registry.example.com/v2/": dial tcp: lookup registry.example.com: no such host',
    ],
    ['REGISTRY', 'Get "https://registry.example.com/v2/": x509: certificate signed by unknown authority'],
    ['REGISTRY', 'received unexpected HTTP status: 503 Service Unavailable'],
    ['REGISTRY_AUTH', 'unauthorized: authentication required'],
    ['REGISTRY_AUTH', 'unexpected status from HEAD request to https://r.example.com/v2/web: 403 Forbidden'],
    [
      'REGISTRY_AUTH',
      'error parsing HTTP 403 response body: invalid character \'<\' looking for a value: "<html>"',
    ],
    [
      'REGISTRY_AUTH',
      'failed to resolve reference "r.example.com/web:1": unexpected status: 401 Unauthorized',
    ],
    ['IMAGE_NOT_FOUND', 'manifest for r.example.com/web:403 not found: manifest unknown'],
    ['IMAGE_NOT_FOUND', 'manifest unknown: manifest unknown'],
    ['DISK_FULL', 'failed to register layer: write /bin/busybox: no space left on device'],
  ])('%s: %s', (code, words) => {
    expect((toRegistryError(answered(500, words), 'cannot pull web') as AgentError).code).toBe(code);
  });

  it('is not to blame when the engine itself is away', () => {
    expect(codeOf(toRegistryError(failed('ECONNREFUSED'), 'cannot pull web'))).toEqual([
      'ENGINE_OFFLINE',
      'later',
    ]);
  });
});
