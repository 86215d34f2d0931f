import { AgentError } from '../../core/errors.ts';
import { rolloutPath } from '../../core/fleet/store-layout.ts';
import { parseRefusal } from '../../core/hub/refusal.ts';
import type { Rollouts } from '../../core/ports/rollouts.ts';
import { readRollout, type ReportedRollout } from '../../core/turns/read-rollout.ts';
import { showUrl, type HttpAnswer } from '../../io/http.ts';
import { answerError } from './http-error.ts';
import { noTurns } from './no-rollouts.ts';
import { createStoreServer, type HttpStoreOptions } from './store-request.ts';

/** A change of 10,000 hosts that all fail with a log stays below it. */
const ROLLOUT_CAP = 64 * 1024 * 1024;

/** The code with which a hub refuses an address that it does not know, as an older hub does here. */
const UNKNOWN_ADDRESS = 'not-found';

const handsOutNoTurns = ({ status, body }: HttpAnswer): boolean => {
  if (status === 405 || status === 410) return true;
  if (status !== 404) return false;
  const refusal = parseRefusal(body.toString('utf8'));
  return refusal === undefined || refusal.code === UNKNOWN_ADDRESS;
};

const rolloutIn = ({ body }: HttpAnswer, url: URL): ReportedRollout => {
  const read =
    body.length > ROLLOUT_CAP
      ? ({ kind: 'problem', message: `larger than ${String(ROLLOUT_CAP)} bytes` } as const)
      : readRollout(body);
  if (read.kind === 'rollout') return read.rollout;
  throw new AgentError('STORE', `the answer of ${showUrl(url)} is ${read.message}`, {
    advice: 'check --to, and that the hub there is of the same release line as this program',
  });
};

/** The rollouts of a hub; any other HTTP server has none. */
export const createHttpRollouts = (options: HttpStoreOptions): Rollouts => {
  const { urlOf, send } = createStoreServer(options);
  return {
    status: async (environment, signal) => {
      const path = rolloutPath(environment);
      const headers = { accept: 'application/json', 'cache-control': 'no-cache' };
      const answer = await send('read', path, { headers }, ROLLOUT_CAP, signal);
      if (handsOutNoTurns(answer)) return 'no-turns';
      if (answer.status !== 200) throw answerError('read', urlOf(path), answer);
      return rolloutIn(answer, urlOf(path));
    },
    command: async (environment, { kind, ...members }, signal) => {
      const path = `${rolloutPath(environment)}/${kind}`;
      const headers = { accept: 'application/json', 'content-type': 'application/json' };
      const request = { method: 'POST', headers, body: JSON.stringify(members) } as const;
      const answer = await send('post to', path, request, ROLLOUT_CAP, signal);
      if (handsOutNoTurns(answer)) throw noTurns(showUrl(options.base).replace(/\/+$/, ''));
      if (answer.status !== 200) throw answerError('post to', urlOf(path), answer);
      return rolloutIn(answer, urlOf(path));
    },
  };
};
