import { describe, expect, it } from 'vitest';
import {
  formatLabels,
  hasLabels,
  knownLabelsText,
  parseLabels,
  type HostLabels,
} from '../../../../src/core/fleet/host-labels.ts';
import { findStrangeKey } from '../../../../src/core/manifest/schema-problem.ts';

const many = (count: number): string =>
  Array.from({ length: count }, (_, at) => `l${String(at)}=x`).join(',');

const host = (name: string, labels?: HostLabels) => ({
  name,
  report: { status: labels === undefined ? {} : { labels } },
});

describe('labels', () => {
  it.each<[string, HostLabels]>([
    ['zone=a', { zone: 'a' }],
    ['zone=a,role=web,canary=true', { zone: 'a', role: 'web', canary: 'true' }],
    [' zone=a, role=web\tcanary=true,', { zone: 'a', role: 'web', canary: 'true' }],
    ['example.com/Rack_1=-0.5/b', { 'example.com/Rack_1': '-0.5/b' }],
    [`${'n'.repeat(63)}=${'v'.repeat(63)}`, { ['n'.repeat(63)]: 'v'.repeat(63) }],
  ])('are read from %j', (text, labels) => {
    expect(parseLabels(text)).toEqual({ kind: 'labels', labels });
  });

  it.each([
    ['', 'has no label'],
    [' , ', 'has no label'],
    ['zone', 'has "zone", which is not NAME=VALUE'],
    ['zone=a,=b', 'has "=b", whose name is not valid'],
    ['zöne=a', 'has "zöne=a", whose name is not valid'],
    ['zone=', 'has "zone=", whose value is not valid'],
    ['zone=a=b', 'has "zone=a=b", whose value is not valid'],
    ['zone="a"', 'has "zone="a"", whose value is not valid'],
    [`${'n'.repeat(64)}=a`, `has "${'n'.repeat(64)}=a", whose name is not valid`],
    [`zone=${'v'.repeat(64)}`, `has "zone=${'v'.repeat(64)}", whose value is not valid`],
    ['constructor=a', 'has the name "constructor", which is reserved'],
    ['__proto__=a', 'has the name "__proto__", which is reserved'],
    ['prototype=a', 'has the name "prototype", which is reserved'],
    ['zone=a,role=web,zone=b', 'has "zone" twice'],
    [many(33), 'has 33 labels, more than 32'],
  ])('are refused as %j', (text, message) => {
    expect(parseLabels(text)).toEqual({ kind: 'problem', message });
  });

  it('have no name with which a hub, also an older one, refuses a report', () => {
    for (const name of Object.getOwnPropertyNames(Object.prototype)) {
      expect(findStrangeKey({ labels: JSON.parse(`{"${name}":"a"}`) as unknown })).toBeDefined();
      expect(parseLabels(`${name}=a`).kind).toBe('problem');
    }
  });

  it('are at most 32', () => {
    expect(parseLabels(many(32)).kind).toBe('labels');
  });

  it('are written as they are read', () => {
    expect(formatLabels({ zone: 'a', canary: 'true' })).toBe('zone=a,canary=true');
  });
});

describe('hosts by their labels', () => {
  const hosts = [
    host('web-1', { zone: 'a', canary: 'true' }),
    host('web-2', { zone: 'a' }),
    host('web-3', { zone: 'b', canary: 'true' }),
    host('bare', {}),
    host('old'),
  ];

  it.each<[string, HostLabels, readonly string[]]>([
    ['nothing: all', {}, ['web-1', 'web-2', 'web-3', 'bare', 'old']],
    ['one label', { zone: 'a' }, ['web-1', 'web-2']],
    ['two labels: both', { zone: 'a', canary: 'true' }, ['web-1']],
    ['another value: none', { zone: 'c' }, []],
    ['a member that every object has: none', { toString: 'a' }, []],
  ])('%s', (_what, where, names) => {
    const found = hosts.filter(({ report }) => hasLabels(report.status.labels ?? {}, where));
    expect(found.map(({ name }) => name)).toEqual(names);
  });

  it('are named in one line, however many there are', () => {
    const racks = Array.from({ length: 25 }, (_, at) => ({ label: `rack=${String(at)}`, hosts: 1 }));
    const counts = [...racks, { label: 'zone=a', hosts: 25 }];
    expect(knownLabelsText(counts)).toMatch(/^rack=0 \(1\), rack=1 \(1\), .*, rack=19 \(1\), and 6 more$/);
    expect(knownLabelsText(counts, 10)).toMatch(/, and 16 more$/);
    expect(knownLabelsText(counts.slice(24))).toBe('rack=24 (1), zone=a (25)');
  });
});
