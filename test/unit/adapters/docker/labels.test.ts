import { describe, expect, it } from 'vitest';
import {
  edgeLabels,
  ownerLabels,
  parseEdge,
  parseOwner,
  parseRestart,
} from '../../../../src/adapters/docker/labels.ts';
import type { CreateEdge } from '../../../../src/core/plan/action.ts';
import { createOf, releaseOf } from '../../../support/release-of.ts';

const edge: CreateEdge = {
  kind: 'create-edge',
  name: 'test-edge-e1',
  instance: 'e1',
  shape: '0123456789abcdef',
  imageId: 'sha256:1' as CreateEdge['imageId'],
  predecessor: undefined,
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

describe('the labels of an edge', () => {
  const labels = edgeLabels(edge, 'test');

  it('say whose it is, which one, and of which shape', () => {
    expect(labels).toEqual({
      'io.supercargo.environment': 'test',
      'io.supercargo.edge': 'e1',
      'io.supercargo.edge-shape': '0123456789abcdef',
      'com.docker.compose.project': 'supercargo-test',
    });
    expect(parseEdge(labels, 'test')).toEqual({ instance: 'e1', shape: '0123456789abcdef' });
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
