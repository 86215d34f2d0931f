import { describe, expect, it } from 'vitest';
import { createRecord } from '../../../src/agent/ledger-record.ts';
import { withService, type Ledger } from '../../../src/core/state/ledger.ts';
import { createSurroundings } from '../../support/agent-ports.ts';
import { ENVIRONMENT } from '../../support/world.ts';

const hold =
  (reason: string) =>
  (l: Ledger): Ledger => ({
    ...l,
    hold: { reason, owner: 'ann', sinceMs: 0, untilMs: undefined, all: false },
  });

const open = async (prepare: (s: ReturnType<typeof createSurroundings>) => void = () => undefined) => {
  const surroundings = createSurroundings('services: {}');
  prepare(surroundings);
  const record = createRecord(surroundings.ledger, ENVIRONMENT);
  await record.load();
  return { ...surroundings, record };
};

describe('the ledger in memory', () => {
  it('is created on a host where nothing of ours runs', async () => {
    const { record, set } = await open();
    expect(record.isUndecided()).toBe(true);
    expect(await record.settle(false, true)).toBe('created');
    expect(set.stored.kind).toBe('ok');
    expect(record.trouble()).toBeUndefined();
  });

  it('was lost where containers of ours exist, and nothing is written over it', async () => {
    const { record, set } = await open();
    expect(await record.settle(true, true)).toBe('lost');
    expect(set.stored.kind).toBe('missing');
    expect(record.trouble()?.advice).toContain('supercargo recover');
  });

  it('is not created by one who only looks', async () => {
    const { record, set } = await open();
    expect(await record.settle(false, false)).toBe('known');
    expect(set.stored.kind).toBe('missing');
    expect(record.isUndecided()).toBe(true);
  });

  it('is in trouble while the file is unreadable', async () => {
    const { record } = await open(({ set }) => {
      set.stored = { kind: 'unreadable', message: 'it is not JSON' };
    });
    expect(record.trouble()?.message).toContain('it is not JSON');
  });

  it('takes the next change after one that changed nothing', async () => {
    const { record, set } = await open();
    await record.settle(false, true);
    await record.update((l) => l);
    await record.update(hold('a check'));
    expect(set.stored).toMatchObject({ ledger: { hold: { reason: 'a check' } } });
  });

  it('writes changes that meet together', async () => {
    const { record, set } = await open();
    await record.settle(false, true);
    const before = set.writes;
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        record.update((l) => withService(l, `s${String(n)}`, { adoption: undefined })),
      ),
    );
    expect(Object.keys(record.current().services)).toHaveLength(20);
    expect(set.writes - before).toBeLessThanOrEqual(2);
  });

  it('keeps a change only once it is durable, unless it is forced', async () => {
    const { record, set } = await open();
    await record.settle(false, true);
    set.isDiskFull = true;
    await expect(record.update(hold('no'))).rejects.toMatchObject({ code: 'STATE_DIR' });
    expect(record.current().hold).toBeUndefined();
    expect(await record.force(hold('yes'))).toMatchObject({ code: 'STATE_DIR' });
    expect(record.current().hold?.reason).toBe('yes');
    set.isDiskFull = false;
    await record.update((l) => ({ ...l, tags: {} }));
    expect(set.stored).toMatchObject({ ledger: { hold: { reason: 'yes' } } });
  });

  it('loses no forced change that meets a write which fails', async () => {
    const { record, set } = await open();
    await record.settle(false, true);
    set.isDiskFull = true;
    const [update] = await Promise.allSettled([
      record.update((l) => withService(l, 'web', { adoption: undefined })),
      record.force(hold('yes')),
    ]);
    expect(update.status).toBe('rejected');
    expect(record.current().hold?.reason).toBe('yes');
    expect(record.current().services).toEqual({});
  });
});
