import { describe, expect, it } from 'vitest';
import { labelSamples } from '../../../../src/core/metrics/label-samples.ts';

const own = { environment: 'staging', host: 'web-1' };

describe('the labels of a host as labels of a metric', () => {
  it.each([
    ['their own names', { zone: 'a', Role_1: 'web' }, { zone: 'a', Role_1: 'web' }],
    ['names of letters, digits and _', { 'example.com/rack-1': 'x' }, { example_com_rack_1: 'x' }],
    ['names that begin with no digit', { '1st': 'x' }, { _1st: 'x' }],
    ["names that are not Prometheus' own", { __name__: 'x', '..a': 'y' }, { _name__: 'x', _a: 'y' }],
    ['each a name of its own', { 'a.b': '1', 'a-b': '2', a_b: '3' }, { a_b: '1', a_b_2: '2', a_b_3: '3' }],
    [
      'names beside those of the metric',
      { host: 'x', environment: 'y' },
      { host_2: 'x', environment_2: 'y' },
    ],
  ])('have %s', (_what, labels, expected) => {
    expect(labelSamples(own, labels)).toEqual([[{ ...own, ...expected }, 1]]);
  });

  it('are no sample where there are none', () => {
    expect(labelSamples(own, {})).toEqual([]);
    expect(labelSamples(own, undefined)).toEqual([]);
  });

  it('of a strange report are the first 32 that are valid', () => {
    const strange = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`l${at}`, 'x']));
    const [sample] = labelSamples({}, { 'zo ne': 'a', zone: 'a\nb', long: 'x'.repeat(64), ...strange });
    expect(Object.keys(sample?.[0] ?? {})).toEqual(Array.from({ length: 32 }, (_, at) => `l${at}`));
  });
});
