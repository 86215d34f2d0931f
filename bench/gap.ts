import { spreadOf, type Row } from './figures.ts';
import type { Setting } from './setting.ts';
import { measureGaps } from './switch-gaps.ts';
import { measureLoad } from './switch-load.ts';

/** Deploys under load are long: five show what twenty would; `npm run bench:switch` does twenty. */
const DEPLOYS = 5;

/** What clients notice of a start-first deploy. */
export const measureGap = async ({ registry, rounds, onHost }: Setting): Promise<readonly Row[]> => {
  const { removeAndRun, startFirst } = await onHost((host) => measureGaps({ host, registry, rounds }));
  const { failed, requests } = await onHost((host) => measureLoad({ host, registry, deploys: DEPLOYS }));
  return [
    {
      name: 'longest time without an answer, start-first',
      unit: 'ms',
      ours: spreadOf(startFirst),
      yardstick: { name: 'rm + run', spread: spreadOf(removeAndRun) },
      goal: 'below it',
      isMet: spreadOf(startFirst).max < spreadOf(removeAndRun).min,
    },
    {
      name: `failed requests in ${String(DEPLOYS)} deploys under load`,
      unit: 'requests',
      ours: spreadOf([failed.length]),
      yardstick: { name: `of ${String(requests)} requests` },
      goal: '0',
      isMet: failed.length === 0,
    },
  ];
};
