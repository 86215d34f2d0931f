/** The folder of this run, which has a machine of its own (scripts/own-machine.ts). */
export const runFolder = (): string => {
  const folder = process.env['SUPERCARGO_RUN'];
  if (folder === undefined)
    throw new Error('these tests need a machine of their own: npm run test:engine, test:faults or test:host');
  return folder;
};
