import { spreadOf, type Spread } from './figures.ts';

/** In bytes: without polls, and with all polls held, once for each time that all agents have come. */
export interface HubMemory {
  readonly idle: number;
  readonly held: readonly number[];
}

/** From a publish, in milliseconds. */
export interface HubNotified {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** One result for each round. */
export interface HubResults {
  readonly unchanged: readonly number[];
  readonly memory: readonly HubMemory[];
  /** With TLS. */
  readonly secure: readonly HubMemory[];
  readonly notified: readonly HubNotified[];
}

export interface HubSetting {
  readonly rounds: number;
  readonly polls: number;
  readonly agents: number;
  readonly connections: number;
  readonly by: 'wrk' | 'node';
}

const MIB = 1024 * 1024;

export const hubReport = (
  { rounds, polls, agents, connections, by }: HubSetting,
  { unchanged, memory, secure, notified }: HubResults,
) => {
  const kibPerPoll = (results: readonly HubMemory[], time: number): Spread =>
    spreadOf(results.map(({ idle, held }) => ((held[time] ?? 0) - idle) / 1024 / polls));
  return {
    rounds,
    unchangedAnswersPerSecond: { by, connections, ...spreadOf(unchanged) },
    memoryMiB: {
      polls,
      idle: spreadOf(memory.map(({ idle }) => idle / MIB)),
      held: spreadOf(memory.map(({ held }) => (held[0] ?? 0) / MIB)),
      kibPerPoll: kibPerPoll(memory, 0),
      kibPerPollTls: kibPerPoll(secure, 0),
      kibPerPollTlsAgain: kibPerPoll(secure, 2),
    },
    publishToNotifiedMs: {
      agents,
      p50: spreadOf(notified.map(({ p50 }) => p50)),
      p99: spreadOf(notified.map(({ p99 }) => p99)),
      last: spreadOf(notified.map(({ max }) => max)),
    },
  };
};

export type HubReport = ReturnType<typeof hubReport>;

interface Line {
  readonly name: string;
  readonly unit: string;
  readonly digits: number;
  readonly of: (report: HubReport) => Spread;
}

const linesOf = ({
  unchangedAnswersPerSecond,
  memoryMiB,
  publishToNotifiedMs,
}: HubReport): readonly Line[] => {
  const { by, connections } = unchangedAnswersPerSecond;
  const answers = `304 answers (${by}, ${String(connections)} connections)`;
  const held = `memory with ${String(memoryMiB.polls)} held polls`;
  const notified = `publish → notified, ${String(publishToNotifiedMs.agents)} agents: p50`;
  return [
    { name: answers, unit: 'a second', digits: 0, of: (r) => r.unchangedAnswersPerSecond },
    { name: 'memory without polls', unit: 'MiB', digits: 0, of: (r) => r.memoryMiB.idle },
    { name: held, unit: 'MiB', digits: 0, of: (r) => r.memoryMiB.held },
    { name: '  each', unit: 'KiB', digits: 1, of: (r) => r.memoryMiB.kibPerPoll },
    { name: '  each, with TLS', unit: 'KiB', digits: 1, of: (r) => r.memoryMiB.kibPerPollTls },
    {
      name: '  each, with TLS, all agents back twice',
      unit: 'KiB',
      digits: 1,
      of: (r) => r.memoryMiB.kibPerPollTlsAgain,
    },
    { name: notified, unit: 'ms', digits: 1, of: (r) => r.publishToNotifiedMs.p50 },
    { name: '  p99', unit: 'ms', digits: 1, of: (r) => r.publishToNotifiedMs.p99 },
    { name: '  the last one', unit: 'ms', digits: 1, of: (r) => r.publishToNotifiedMs.last },
  ];
};

const columns = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(11)).join('');
const numbers = ({ median, min, max }: Spread, digits: number): string =>
  columns([median, min, max].map((value) => value.toFixed(digits)));

/** `other` was measured in turns with it. */
export const hubTable = (report: HubReport, other: HubReport | undefined): string => {
  const titles = columns(['median', 'min', 'max']);
  const head = `${''.padEnd(46)}${titles}${other ? `${titles}${columns(['ratio'])}` : ''}`;
  const lines = linesOf(report).map(({ name, unit, digits, of }) => {
    const ours = `${name.padEnd(46)}${numbers(of(report), digits)}`;
    if (!other) return `${ours}  ${unit}`;
    const ratio = (of(report).median / of(other).median).toFixed(2);
    return `${ours}${numbers(of(other), digits)}${columns([ratio])}  ${unit}`;
  });
  return [`${head}  over ${String(report.rounds)} rounds${other ? ', beside the other' : ''}`, ...lines].join(
    '\n',
  );
};
