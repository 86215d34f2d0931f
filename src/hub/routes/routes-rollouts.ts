import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import { readRolloutCommand, ROLLOUT_COMMAND_CAP_BYTES } from '../../core/turns/read-rollout-command.ts';
import { ROLLOUT_COMMANDS } from '../../core/turns/rollout-command.ts';
import type { HubContext } from '../hub-context.ts';
import { json } from '../http/request-guard.ts';
import { bytesOf, notFound, partOf, refuse } from '../http/responses.ts';

const nowhere = notFound('there is no such address for rollouts');

const getStatus =
  ({ turns }: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const environment = partOf(request, 'environment');
    if (!isEnvironmentName(environment)) return refuse(reply, nowhere);
    json(reply, await turns.status(environment));
  };

const postCommand =
  ({ turns }: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const environment = partOf(request, 'environment');
    const kind = ROLLOUT_COMMANDS.find((command) => command === partOf(request, 'command'));
    if (!isEnvironmentName(environment) || kind === undefined) return refuse(reply, nowhere);
    const read = readRolloutCommand(bytesOf(request), kind);
    if (read.kind === 'refused') return refuse(reply, read.refusal);
    const answered = await turns.obey(environment, read.document);
    if (answered.kind === 'refused') return refuse(reply, answered.refusal);
    json(reply, answered.status);
  };

/** `/rollouts/…`: how far the changes of an environment are, and what people say about them. */
export const addRolloutRoutes = (app: FastifyInstance, context: HubContext): void => {
  const { access, guard } = context;
  app.get('/rollouts/:environment', { onRequest: guard(access.readReports) }, getStatus(context));
  app.post(
    '/rollouts/:environment/:command',
    { bodyLimit: ROLLOUT_COMMAND_CAP_BYTES, onRequest: guard(access.publish) },
    postCommand(context),
  );
};
