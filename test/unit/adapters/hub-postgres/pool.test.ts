import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Connector } from '../../../../src/adapters/hub-postgres/connector.ts';
import { createPool, type Work } from '../../../../src/adapters/hub-postgres/pool.ts';
import type { Session } from '../../../../src/adapters/hub-postgres/session.ts';

const DEADLINE_MS = 10_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const createSession = () => {
  const state = { isClosed: false };
  const session: Session = {
    sql: (() => undefined) as unknown as Session['sql'],
    isClosed: () => state.isClosed,
    onClosed: () => undefined,
    destroy: () => void (state.isClosed = true),
    end: async () => Promise.resolve(),
  };
  return session;
};

const poolWith = (session: Session) => {
  const connector: Connector = { open: async () => Promise.resolve(session) };
  return createPool(connector, DEADLINE_MS);
};

const pages =
  (count: number, isAlive: boolean): Work<string> =>
  async (_sql, goesOn) => {
    for (let page = 0; page < count; page += 1) {
      await new Promise((answer) => setTimeout(answer, DEADLINE_MS - 1_000));
      if (isAlive) goesOn();
    }
    return 'whole';
  };

test('work that goes on takes longer than one deadline', async () => {
  const read = poolWith(createSession()).run(pages(5, true));
  await vi.advanceTimersByTimeAsync(5 * DEADLINE_MS);
  await expect(read).resolves.toBe('whole');
});

test('work without a sign of life ends at the deadline, with its connection', async () => {
  const session = createSession();
  const read = poolWith(session).run(pages(5, false));
  const failure = read.then(
    () => undefined,
    (error: unknown) => error,
  );
  await vi.advanceTimersByTimeAsync(DEADLINE_MS);
  expect(await failure).toMatchObject({ code: 'STORE', retry: 'later' });
  expect(session.isClosed()).toBe(true);
});
