import { AgentError } from '../../core/errors.ts';
import type { Asked, TurnSource } from '../../core/ports/turn-source.ts';
import { parseRetryAfter } from '../../core/retry-after.ts';
import { parseTurnAnswer } from '../../core/turns/parse-turn-answer.ts';
import { ANSWER_MS } from '../../core/turns/timeouts.ts';
import { exchangeWithStore, refusalIn, type StoreAccess, type WholeTimeouts } from './store-exchange.ts';
import { refusalOf } from './store-refusal.ts';

export interface TurnSourceOptions extends StoreAccess {
  readonly timeouts?: WholeTimeouts;
}

const TIMEOUTS: WholeTimeouts = {
  connectMs: 5_000,
  sendMs: 10_000,
  responseMs: ANSWER_MS,
  requestMs: ANSWER_MS,
};
const ANSWER_BYTES = 256 * 1024;

/** What a web server without turns answers: a hub of an older version, or one that only keeps files. */
const WITHOUT_TURNS = new Set([404, 405, 501]);

const isAnswer = (status: number): boolean => status < 500 || WITHOUT_TURNS.has(status);

/** Asks a hub for the turns of one host. */
export const createTurnSource = (options: TurnSourceOptions): TurnSource => {
  const { timeouts = TIMEOUTS } = options;
  return {
    ask: async (request, signal): Promise<Asked> => {
      const sent = { method: 'POST', text: JSON.stringify(request), timeouts } as const;
      const exchanged = await exchangeWithStore(
        options,
        'ask for a turn at',
        () => ({ ...sent, maxBytes: () => ANSWER_BYTES, isAnswer }),
        signal,
      );
      if (exchanged.kind === 'failed') return exchanged;
      const { url, answer } = exchanged;
      if (WITHOUT_TURNS.has(answer.status))
        return {
          kind: 'none',
          message: `the report store hands out no turns: ${url} answered ${String(answer.status)}`,
        };
      if (answer.status === 409)
        return { kind: 'refused', message: `the report store refuses this agent: ${refusalIn(answer.body)}` };
      if (answer.status !== 200) {
        const retryAfterMs = parseRetryAfter(answer.header('retry-after'), Date.now());
        const error = refusalOf(url, answer);
        return { kind: 'failed', error, ...(retryAfterMs !== undefined && { retryAfterMs }) };
      }
      const turn = parseTurnAnswer(answer.body.toString('utf8'));
      if (turn) return { kind: 'answered', answer: turn };
      return {
        kind: 'failed',
        error: new AgentError('STORE', `${url} answered 200, but not with a turn`, {
          retry: 'later',
          advice: 'check that SUPERCARGO_REPORT_URL leads to a supercargo hub of at least this version',
        }),
      };
    },
  };
};
