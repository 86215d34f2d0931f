import { describe, expect, it } from 'vitest';
import { edgeBody } from '../../../../src/adapters/docker/edge-body.ts';
import type { CreateEdge } from '../../../../src/core/plan/action.ts';

const edge: CreateEdge = {
  kind: 'create-edge',
  name: 'test-edge-e2',
  instance: 'e2',
  shape: '0123456789abcdef',
  imageId: 'sha256:1' as CreateEdge['imageId'],
  predecessor: undefined,
  frontends: [],
  mode: 'host',
  network: 'test_edge',
  ports: [],
};
const bodyOf = (changes: Partial<CreateEdge> = {}) =>
  edgeBody({ ...edge, ...changes }, 'test', { folder: '/state/edge', uid: 970, gid: 971 });

describe('the body of an edge', () => {
  it('is root of little, in the group of the agent, and comes back by itself', () => {
    expect(bodyOf()).toEqual({
      name: 'test-edge-e2',
      Image: 'sha256:1',
      Entrypoint: ['haproxy'],
      Cmd: ['-W', '-db', '-S', '/edge/run/e2.master.sock,uid,970,mode,660', '-f', '/edge/config/haproxy.cfg'],
      User: '0:971',
      StopSignal: 'SIGUSR1',
      StopTimeout: 1,
      Labels: {
        'io.supercargo.environment': 'test',
        'io.supercargo.edge': 'e2',
        'io.supercargo.edge-shape': '0123456789abcdef',
        'io.supercargo.edge-ports': '',
        'com.docker.compose.project': 'supercargo-test',
      },
      HostConfig: {
        NetworkMode: 'host',
        CapDrop: ['ALL'],
        CapAdd: ['CHOWN', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'],
        SecurityOpt: ['no-new-privileges'],
        ReadonlyRootfs: true,
        RestartPolicy: { Name: 'always' },
        Binds: ['/state/edge/config/e2:/edge/config:ro', '/state/edge/run:/edge/run'],
      },
    });
  });

  it('asks its predecessor for the listeners', () => {
    expect(bodyOf({ predecessor: 'e1' }).Cmd?.slice(-2)).toEqual(['-x', '/edge/run/e1.runtime.sock']);
  });

  it('on a bridge lets the engine publish its ports', () => {
    const ports = [
      { hostAddress: '', hostPort: 80, containerPort: 10_000 },
      { hostAddress: '127.0.0.1', hostPort: 81, containerPort: 10_001 },
    ];
    const { ExposedPorts, HostConfig } = bodyOf({ mode: 'publish', ports });
    expect(ExposedPorts).toEqual({ '10000/tcp': {}, '10001/tcp': {} });
    expect(HostConfig).toMatchObject({
      NetworkMode: 'test_edge',
      PortBindings: {
        '10000/tcp': [{ HostIp: '', HostPort: '80' }],
        '10001/tcp': [{ HostIp: '127.0.0.1', HostPort: '81' }],
      },
    });
  });
});
