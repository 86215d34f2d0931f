import { failuresOf, type LoadReport, NO_FAILURES, startLoadProcess } from '../../support/load.ts';
import { expect } from 'vitest';
import { PORT } from './configure.ts';
import type { Scene } from './scene.ts';

/** Does something while clients outside of the host use `web`; none of them may notice. */
export const unnoticed = async ({ host }: Scene, act: () => Promise<void>): Promise<LoadReport> => {
  const load = await startLoadProcess({ port: PORT, host: host.address });
  let report: LoadReport | undefined;
  try {
    await act();
  } finally {
    report = await load.stop();
  }
  expect(failuresOf(report)).toEqual(NO_FAILURES);
  return report;
};
