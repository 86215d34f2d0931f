import type { AgentError } from '../../core/errors.ts';
import type { Connector } from './connector.ts';
import { databaseError, tooLate } from './database-error.ts';
import type { Session, Sql } from './session.ts';

/** `goesOn` begins the deadline anew: for work of any length that shows signs of life. */
export type Work<T> = (sql: Sql, goesOn: () => void) => Promise<T>;

/**
 * Runs statements on a connection of their own. After a failure or at the deadline that connection is
 * dropped, so that the server rolls back.
 * @throws AgentError STORE
 */
export type Run = <T>(work: Work<T>, deadlineMs?: number) => Promise<T>;

export interface Pool {
  readonly run: Run;
  readonly close: () => Promise<void>;
}

export const MOST_SESSIONS = 8;
const DEADLINE_MS = 10_000;
/**
 * For so long a failed attempt to connect answers the next ones: a crowd must not dial for each of its calls.
 */
const PAUSE_MS = 500;

/** Lets so many in at once; the others wait in the order of their calls. */
const createSlots = (count: number) => {
  const state = { free: count };
  const waiting: (() => void)[] = [];
  return {
    enter: async (): Promise<void> => {
      if (state.free > 0) state.free -= 1;
      else await new Promise<void>((enter) => waiting.push(enter));
    },
    leave: (): void => {
      const next = waiting.shift();
      if (next) next();
      else state.free += 1;
    },
  };
};

export const createPool = ({ open }: Connector, deadlineMs = DEADLINE_MS): Pool => {
  const slots = createSlots(MOST_SESSIONS);
  const sessions = new Set<Session>();
  const idle: Session[] = [];
  const state: { isClosed: boolean; failed?: { readonly error: AgentError; readonly untilMs: number } } = {
    isClosed: false,
  };

  const connect = async (signal: AbortSignal): Promise<Session> => {
    if (state.isClosed) throw databaseError(new Error('the hub ends'));
    if (state.failed && performance.now() < state.failed.untilMs) throw state.failed.error;
    try {
      const session = await open(signal);
      sessions.add(session);
      session.onClosed(() => {
        sessions.delete(session);
        const at = idle.indexOf(session);
        if (at >= 0) idle.splice(at, 1);
      });
      return session;
    } catch (error) {
      signal.throwIfAborted();
      const known = databaseError(error);
      state.failed = { error: known, untilMs: performance.now() + PAUSE_MS };
      throw known;
    }
  };
  /** One dead connection makes the idle ones suspect: each would cost a deadline. */
  const distrust = (): void => {
    for (const session of idle.splice(0)) session.destroy();
  };

  const attempt = async <T>(work: Work<T>, goesOn: () => void, signal: AbortSignal): Promise<T> => {
    await slots.enter();
    try {
      signal.throwIfAborted();
      const session = idle.pop() ?? (await connect(signal));
      const drop = (): void => session.destroy();
      signal.addEventListener('abort', drop);
      try {
        const result = await work(session.sql, goesOn);
        if (!session.isClosed()) idle.push(session);
        return result;
      } catch (error) {
        session.destroy();
        throw error;
      } finally {
        signal.removeEventListener('abort', drop);
      }
    } finally {
      slots.leave();
    }
  };

  return {
    run: async (work, withinMs = deadlineMs) => {
      const controller = new AbortController();
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        late.reject(tooLate(withinMs));
        controller.abort();
        distrust();
      }, withinMs);
      try {
        return await Promise.race([
          attempt(work, () => void timer.refresh(), controller.signal),
          late.promise,
        ]);
      } catch (error) {
        const known = databaseError(error);
        if (known.retry === 'later') distrust();
        throw known;
      } finally {
        clearTimeout(timer);
      }
    },
    close: async () => {
      state.isClosed = true;
      idle.splice(0);
      await Promise.all([...sessions].map((session) => session.end()));
    },
  };
};
