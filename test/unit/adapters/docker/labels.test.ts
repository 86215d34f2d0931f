import { describe, expect, it } from 'vitest';
import { createBody } from '../../../../src/adapters/docker/create-body.ts';
import { edgeBody } from '../../../../src/adapters/docker/edge-body.ts';
import {
  edgeLabels,
  ownerLabels,
  parseEdge,
  parseOther,
  parseOwner,
  parseRestart,
} from '../../../../src/adapters/docker/labels.ts';
import type { CreateEdge } from '../../../../src/core/plan/action.ts';
import { createOf, releaseOf } from '../../../support/release-of.ts';
import { NO_EDGE_HOME } from '../../../support/world.ts';

const edge: CreateEdge = {
  kind: 'create-edge',
  name: 'test-edge-e1',
  instance: 'e1',
  shape: '0123456789abcdef',
  imageId: 'sha256:1' as CreateEdge['imageId'],
  predecessor: undefined,
  frontends: [],
  mode: 'host',
  network: 'test_edge',
  ports: [],
};

describe('labels that somebody wrote', () => {
  it('give no number that is none', () => {
    const labels = ownerLabels(createOf(releaseOf(''), 'test-web-1'), 'test');
    expect(parseOwner({ ...labels, 'io.supercargo.serial': 'x' }, 'test')).toMatchObject({ serial: 0 });
    expect(parseOwner({ ...labels, 'io.supercargo.serial': '-1e999' }, 'test')).toMatchObject({ serial: 0 });
    expect(parseRestart('on-failure:x')).toEqual({ name: 'on-failure', maxRetries: 0 });
  });
});

describe('labels of an image that would say what a container is', () => {
  const image = {
    'io.supercargo.edge': 'x',
    'io.supercargo.environment': 'other',
    'com.docker.compose.project.working_dir': '/home/dev',
    'org.example.kept': 'yes',
  };

  it('are written over on a container of a service, and on an edge', () => {
    const { Labels } = createBody(createOf(releaseOf(''), 'test-web-1'), 'test', '1.52', { Labels: image });
    expect(Labels).toMatchObject({
      'io.supercargo.edge': '',
      'io.supercargo.environment': 'test',
      'com.docker.compose.project.working_dir': '',
    });
    expect(Labels).not.toHaveProperty('org.example.kept');
    const merged = { ...image, ...Labels };
    expect([parseEdge(merged, 'test'), parseOwner(merged, 'test')?.service]).toEqual([undefined, 'web']);
    const imageOfEdge = { ...ownerLabels(createOf(releaseOf(''), 'test-web-1'), 'test') };
    const edgeOnly = { ...imageOfEdge, ...edgeBody(edge, 'test', NO_EDGE_HOME, imageOfEdge).Labels };
    expect([parseEdge(edgeOnly, 'test')?.instance, parseOwner(edgeOnly, 'test')]).toEqual(['e1', undefined]);
  });
});

describe('the labels of an edge', () => {
  const labels = edgeLabels(edge, 'test');

  it('say whose it is, which one, and of which shape', () => {
    expect(labels).toEqual({
      'io.supercargo.environment': 'test',
      'io.supercargo.edge': 'e1',
      'io.supercargo.edge-shape': '0123456789abcdef',
      'io.supercargo.edge-ports': '',
      'com.docker.compose.project': 'supercargo-test',
    });
    expect(parseEdge(labels, 'test')).toEqual({ instance: 'e1', shape: '0123456789abcdef' });
  });

  it('say which edge it follows, where it listens and for whom: to its own environment, and to others', () => {
    const frontends = [
      { hostAddress: '', hostPort: 8080, backend: 'web:8888' },
      { hostAddress: 'fd00::1', hostPort: 81, backend: 'api:1' },
    ];
    const full = edgeLabels({ ...edge, predecessor: 'e0', frontends }, 'test');
    expect(full['io.supercargo.edge-ports']).toBe('any:8080=web,fd00::1:81=api');
    expect(parseEdge(full, 'test')).toMatchObject({ predecessor: 'e0' });
    expect(parseOther(full)).toEqual({
      isEdge: true,
      edgePorts: [
        { hostAddress: '', hostPort: 8080, protocol: 'tcp', service: 'web' },
        { hostAddress: 'fd00::1', hostPort: 81, protocol: 'tcp', service: 'api' },
      ],
    });
    const wrong = { ...full, 'io.supercargo.edge-ports': 'x,any:99999=web,=,any:80=,,any:80' };
    expect(parseOther(wrong).edgePorts).toEqual([]);
  });

  it('are nothing to another environment, and make no service of it', () => {
    expect(parseEdge(labels, 'other')).toBeUndefined();
    expect(parseOwner(labels, 'test')).toBeUndefined();
  });

  it('are not those of a service', () => {
    const labelled = ownerLabels(createOf(releaseOf(''), 'test-web-1'), 'test');
    expect(parseEdge(labelled, 'test')).toBeUndefined();
    expect(parseOwner(labelled, 'test')).toMatchObject({ service: 'web', replica: 1 });
  });

  it('without a shape fit no config', () => {
    const { 'io.supercargo.edge-shape': _shape, ...half } = labels;
    expect(parseEdge(half, 'test')).toEqual({ instance: 'e1', shape: '' });
  });
});
