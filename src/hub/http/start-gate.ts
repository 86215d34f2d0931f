import type { RequestListener, ServerResponse } from 'node:http';
import { AgentError } from '../../core/errors.ts';
import { storeIsAway } from './responses.ts';

export interface StartGate {
  /** A server's listener: the hub's own one as soon as the gate is open. */
  readonly guard: (listener: RequestListener) => RequestListener;
  readonly open: () => void;
}

const WAITING = storeIsAway(
  new AgentError('STORE', 'the hub waits for its store', {
    advice: 'try again in a moment; the log of the hub says what is wrong with the store',
  }),
);

const answer = (response: ServerResponse, status: number, type: string, body: string): void => {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'retry-after': String(WAITING.retryAfterSeconds),
    connection: 'close',
  });
  response.end(body);
};

/** Answers while the store is away at the start: the hub is alive, and not ready. */
export const createStartGate = (): StartGate => {
  const state = { isOpen: false };
  const { code, message, advice } = WAITING;
  const refusal = `${JSON.stringify({ error: { code, message, advice } })}\n`;
  return {
    guard: (listener) => (request, response) => {
      if (state.isOpen) listener(request, response);
      else if (request.url === '/healthz') answer(response, 200, 'text/plain; charset=utf-8', 'ok\n');
      else answer(response, WAITING.status, 'application/json; charset=utf-8', refusal);
    },
    open: () => {
      state.isOpen = true;
    },
  };
};
