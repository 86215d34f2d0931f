import { printableDocument } from '../../core/printable-text.ts';
import type { ReportedChange } from '../../core/turns/read-rollout.ts';
import type { RolloutNews } from '../../core/turns/rollout-news.ts';
import type { Screen } from '../streams.ts';
import { count } from '../terminal/units.ts';
import { stateText } from './rollout-headline.ts';
import { failureText } from './rollout-change.ts';

const openWaveCounts = ({ waves }: ReportedChange): string => {
  const open = waves.filter(({ openedAt }) => openedAt !== null);
  const wave = open.at(-1);
  return wave === undefined
    ? ''
    : ` (wave ${String(open.length)} of ${String(waves.length)}: ` +
        `${String(wave.good)} of ${String(wave.hosts)} good)`;
};

/** One line of a log for each event of a change. */
export const newsLine = (
  document: ReportedChange,
  news: RolloutNews,
  atMs: number,
  screen: Screen,
): string => {
  const change = printableDocument(document);
  const { palette } = screen;
  switch (news.kind) {
    case 'wave': {
      const { name, hosts, good } = printableDocument(news.wave);
      const already = good === 0 ? '' : `, ${String(good)} of them good already`;
      return `wave ${String(news.number)} of ${String(change.waves.length)} (${name}) is open: ${count(hosts, 'host')}${already}`;
    }
    case 'good':
      return `${printableDocument(news.host)}: ${palette.good('good')}${openWaveCounts(change)}`;
    case 'failure':
      return palette.bad(failureText(news.failure, atMs));
    case 'state': {
      const halted = change.halted === null ? '' : `: ${change.halted.reason}`;
      return `serial ${String(change.serial)} ${stateText(change, atMs)}${halted}`;
    }
  }
};
