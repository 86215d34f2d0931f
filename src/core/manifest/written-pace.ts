import type { WrittenPace } from '../turns/rollout-status.ts';
import { amountText, type Amount, type Pace } from './pace.ts';

const writtenAmount = (amount: Amount): number | string =>
  'hosts' in amount ? amount.hosts : amountText(amount);

/** The pace as a manifest writes it. Equal paces give equal text. */
export const writtenPace = (pace: Pace): WrittenPace => ({
  maxParallel: writtenAmount(pace.maxParallel),
  waves: pace.waves.map((wave) =>
    'labels' in wave
      ? { labels: Object.fromEntries(Object.entries(wave.labels).toSorted(([a], [b]) => (a < b ? -1 : 1))) }
      : { share: amountText(wave) },
  ),
  soakSeconds: pace.soakSeconds,
  haltAfter: writtenAmount(pace.haltAfter),
  turnSeconds: pace.turnSeconds,
});
