import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isReportingHost } from '../../core/hub/file-names.ts';
import { refusal } from '../../core/hub/refusal.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import { isReserved } from '../../core/turns/report-word.ts';
import { HOLD_MS } from '../../core/turns/timeouts.ts';
import { readTurnRequest, TURN_REQUEST_CAP_BYTES } from '../../core/turns/read-turn-request.ts';
import type { TurnAnswer, TurnRequest } from '../../core/turns/turn-request.ts';
import { countTurnAnswer } from '../counters.ts';
import type { HeldTurn } from '../turns/turn-queue.ts';
import type { HubContext } from '../hub-context.ts';
import { json } from '../http/request-guard.ts';
import { bytesOf, notFound, partOf, refuse } from '../http/responses.ts';

const nowhere = notFound('there is no such address for turns');

interface Address {
  readonly environment: string;
  readonly host: string;
}

const addressOf = (request: FastifyRequest): Address | undefined => {
  const [environment, host] = [partOf(request, 'environment'), partOf(request, 'host')];
  return isEnvironmentName(environment) && isReportingHost(host) ? { environment, host } : undefined;
};

const LEAST_SECONDS = 5;

/** Jittered, so that a fleet that was refused in one moment does not ask again in one moment. */
const askAfter = (hosts: number): number =>
  Math.ceil(Math.max(LEAST_SECONDS, hosts / 100) * (0.75 + Math.random() / 2));

/** Requests for the same services wait for the same slots. */
const groupOf = ({ services }: TurnRequest): string =>
  services
    .map(({ service }) => service)
    .toSorted()
    .join(',');

/** Answers at once, or once a turn is free, or after the longest hold. */
const answerTurn = (
  { turns, turnQueue, reports, counters, log }: HubContext,
  { environment, host }: Address,
  request: TurnRequest,
  reply: FastifyReply,
): void => {
  const untilMs = performance.now() + HOLD_MS;
  const held: { place: HeldTurn | undefined } = { place: undefined };
  const send = (answer: TurnAnswer, askAfterSeconds: number): void => {
    countTurnAnswer(counters, answer.answer);
    json(reply, { ...answer, askAfterSeconds });
  };
  const ask = async (): Promise<void> => {
    const answered = await turns.ask(environment, host, request);
    if (reply.raw.destroyed) return;
    if (answered.kind === 'refused') {
      countTurnAnswer(counters, 'refused');
      const { code, message } = answered.refusal;
      log.write('warn', 'turn.refused', { environment, host, reason: code, message });
      return refuse(reply, answered.refusal);
    }
    const { answer, mostHeld } = answered;
    if (answer.refused.length === 0) return send(answer, 0);
    const later = askAfter(reports.count(environment));
    // A host that is told of a job that is done can go on.
    const isNews = answer.answer !== 'wait' || answer.done.length > 0;
    if (isNews || mostHeld === 0) return send(answer, later);
    held.place ??= turnQueue.enter(environment, groupOf(request), mostHeld);
    if (!held.place) return send(answer, later);
    const seconds = Math.ceil((untilMs - performance.now()) / 1000);
    if (seconds <= 0) return send(answer, 0);
    held.place.hold(seconds, (end) => {
      if (end === 'changed') return start();
      if (end === 'closing') reply.header('connection', 'close');
      send(answer, end === 'over' ? 0 : later);
    });
  };
  const start = (): void => {
    ask().catch((error: unknown) => void reply.send(error));
  };
  reply.raw.once('close', () => held.place?.leave());
  start();
};

const postTurn =
  (context: HubContext) =>
  (request: FastifyRequest, reply: FastifyReply): void => {
    const address = addressOf(request);
    if (!address) return refuse(reply, nowhere);
    const { host } = address;
    if (isReserved(host))
      return refuse(
        reply,
        refusal(422, 'host', `${host} is a reserved word`, 'give the host another SUPERCARGO_HOST'),
      );
    const read = readTurnRequest(bytesOf(request), context.mostServices);
    if (read.kind === 'refused') return refuse(reply, read.refusal);
    answerTurn(context, address, read.document, reply);
  };

/** `/turns/…`: a host asks before it switches. */
export const addTurnRoutes = (app: FastifyInstance, context: HubContext): void => {
  const { access, guard } = context;
  const onRequest = guard((headers, _scope, request) => {
    const address = addressOf(request);
    // An invalid address gets 404, whatever the token.
    return address === undefined ? nowhere : access.report(headers, address.environment, address.host);
  });
  app.post('/turns/:environment/:host', { bodyLimit: TURN_REQUEST_CAP_BYTES, onRequest }, postTurn(context));
};
