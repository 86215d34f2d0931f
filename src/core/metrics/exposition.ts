/** One line of a metric. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Escapes a label's value (Prometheus text format 0.0.4). */
const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const labelled = (labels: Sample[0]): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

/** All lines of one metric, which the format requires to be together. */
export const family = (
  kind: 'gauge' | 'counter',
  name: string,
  help: string,
  samples: readonly Sample[],
): readonly string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${kind}`,
  ...samples.map(([labels, value]) => `${name}${labelled(labels)} ${String(value)}`),
];
