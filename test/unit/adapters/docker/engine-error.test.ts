import { describe, expect, it } from 'vitest';
import { classify, toEngineError, toRegistryError } from '../../../../src/adapters/docker/engine-error.ts';
import { AgentError } from '../../../../src/core/errors.ts';

const oci =
  'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ';

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
