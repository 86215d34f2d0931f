import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { manifestPath, probePath } from '../../core/fleet/store-layout.ts';
import { entityTagOf, isKnown, mayWrite, type Conditions } from '../../core/hub/conditional-request.ts';
import { environmentOfFile, serialOfFile } from '../../core/hub/file-names.ts';
import { readsPace } from '../../core/hub/reads-pace.ts';
import { refusal, type Refusal } from '../../core/hub/refusal.ts';
import { DOCUMENT_CAP_BYTES } from '../../core/manifest/accept.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import {
  answerOrHold,
  bytesOf,
  conditionsOf,
  notFound,
  partOf,
  refuse,
  sendServed,
  type Served,
} from '../http/responses.ts';
import type { HubContext } from '../hub-context.ts';
import { json } from '../http/request-guard.ts';
import type { HeldDocument } from '../manifests/current-manifest.ts';
import type { Manifests, Objection, WriteAnswer } from '../manifests/manifests.ts';

export const manifestTopic = (environment: string): string => `manifest ${environment}`;

const PROBE = 'probe.json';
const PROBE_CAP_BYTES = 4096;

const toServed = ({ bytes, tag }: HeldDocument): Served => ({
  tag,
  cacheControl: 'no-cache',
  body: () => bytes,
});

const nowhere = notFound('there is no such address for manifests');

/** The copy is signed, so that a reader that has nothing gets it even while the store is away. */
const readStore = async (
  { manifests }: HubContext,
  environment: string,
  conditions: Conditions,
): Promise<void> => {
  try {
    await manifests.read(environment);
  } catch (error) {
    if (conditions.ifNoneMatch !== undefined || manifests.current(environment) === undefined) throw error;
  }
};

/**
 * A reader that names a document which was current here is answered from the copy, or held. Any other one may
 * have a newer document from another hub, so that the store is read first.
 */
const getCurrent =
  (context: HubContext) =>
  (request: FastifyRequest, reply: FastifyReply): void => {
    const { manifests, waiting } = context;
    const environment = environmentOfFile(partOf(request, 'file'));
    if (environment === undefined) return refuse(reply, nowhere);
    const answer = (): void =>
      answerOrHold(request, reply, {
        waiting,
        topic: manifestTopic(environment),
        read: () => {
          const current = manifests.current(environment);
          return current && toServed(current);
        },
        absent: refusal(
          404,
          'not-found',
          `nothing is published for ${environment}`,
          'publish its first manifest: `supercargo publish`',
        ),
        isWorthHolding: (known, { tag }) => isKnown(known, tag),
      });
    const conditions = conditionsOf(request);
    if (manifests.isAhead(environment, conditions)) return answer();
    // No handler is left waiting, which would cost memory for each request that is held.
    readStore(context, environment, conditions).then(answer, (error: unknown) => void reply.send(error));
  };

const settle = (reply: FastifyReply, answer: WriteAnswer): void => {
  if (answer.kind === 'refused') return refuse(reply, answer.refusal);
  const isNew = answer.kind === 'written' && answer.isNew;
  void reply
    .code(isNew ? 201 : 204)
    .header('etag', answer.tag)
    .send();
};

const putCurrent =
  ({ manifests, turns, counters, log }: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const environment = environmentOfFile(partOf(request, 'file'));
    if (environment === undefined) return refuse(reply, nowhere);
    const isAnyway = (request.query as Readonly<Record<string, unknown>>)['anyway'] !== undefined;
    const objection: Objection | undefined = isAnyway
      ? undefined
      : (manifest) => turns.refuseManifest(environment, manifest, { readsPace: readsPace(request.headers) });
    const answer = await manifests.publish(environment, bytesOf(request), conditionsOf(request), objection);
    if (answer.kind === 'written') {
      counters.publishes += 1;
      log.write('info', 'manifest.published', {
        environment,
        serial: answer.serial,
        path: manifestPath(environment),
      });
    }
    if (answer.kind === 'refused') {
      counters.refusedPublishes += 1;
      const { code, message } = answer.refusal;
      log.write('warn', 'publish.refused', { environment, reason: code, message });
    }
    settle(reply, answer);
  };

/** The environment in the address; refuses an invalid name. */
const addressed = (request: FastifyRequest, reply: FastifyReply): string | undefined => {
  const environment = partOf(request, 'environment');
  if (isEnvironmentName(environment)) return environment;
  refuse(reply, nowhere);
  return undefined;
};

const readProbe = async ({ probes }: Manifests, environment: string): Promise<HeldDocument | undefined> => {
  const bytes = await probes.probe(environment);
  return bytes && { bytes, tag: entityTagOf(bytes) };
};

const getPast =
  ({ manifests }: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const environment = addressed(request, reply);
    if (environment === undefined) return;
    const file = partOf(request, 'file');
    const serial = serialOfFile(file);
    const found =
      file === PROBE
        ? await readProbe(manifests, environment)
        : serial === undefined
          ? undefined
          : await manifests.past(environment, serial);
    if (!found) return refuse(reply, notFound('this document does not exist'));
    sendServed(request, reply, toServed(found));
  };

const conditionFailed: Refusal = refusal(
  412,
  'changed',
  'the document does not match the condition',
  'read it again and decide anew',
);

/** Changes the probe if the conditions hold for the one before. */
const changeProbe = async (
  { manifests }: HubContext,
  environment: string,
  document: Uint8Array | undefined,
  conditions: Conditions,
) =>
  manifests.probes.changeProbe(environment, document, (before) =>
    mayWrite(conditions, before && entityTagOf(before)),
  );

/** Publishers use this document to test that the server honours conditions. */
const putProbe = async (
  context: HubContext,
  environment: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> => {
  const bytes = bytesOf(request);
  if (bytes.length > PROBE_CAP_BYTES)
    return refuse(reply, refusal(413, 'too-large', 'the probe is too large', 'send at most 4 KiB'));
  const changed = await changeProbe(context, environment, bytes, conditionsOf(request));
  if (changed === 'refused') return refuse(reply, conditionFailed);
  void reply
    .code(changed.before ? 204 : 201)
    .header('etag', entityTagOf(bytes))
    .send();
};

const putPast =
  (context: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const environment = addressed(request, reply);
    if (environment === undefined) return;
    const file = partOf(request, 'file');
    if (file === PROBE) return putProbe(context, environment, request, reply);
    const serial = serialOfFile(file);
    if (serial === undefined) return refuse(reply, nowhere);
    const bytes = bytesOf(request);
    settle(reply, await context.manifests.record(environment, serial, bytes, conditionsOf(request)));
  };

const deleteProbe =
  (context: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const environment = addressed(request, reply);
    if (environment === undefined) return;
    if (partOf(request, 'file') !== PROBE) {
      const kept = refusal(405, 'method', 'the history is never removed', 'publish a higher serial instead');
      return refuse(reply, kept);
    }
    const absent = notFound(`${probePath(environment)} does not exist`);
    if ((await context.manifests.probes.probe(environment)) === undefined) return refuse(reply, absent);
    const changed = await changeProbe(context, environment, undefined, conditionsOf(request));
    if (changed === 'refused') return refuse(reply, conditionFailed);
    if (changed.before) void reply.code(204).send();
    else refuse(reply, absent);
  };

/** `/manifests/…`: the current manifest and the history of each environment. */
export const addManifestRoutes = (app: FastifyInstance, context: HubContext): void => {
  const { access, manifests, reports, guard } = context;
  const reading = { onRequest: guard(access.readManifests) };
  const publishing = { onRequest: guard(access.publish), bodyLimit: DOCUMENT_CAP_BYTES };

  const listing = { onRequest: guard((headers) => access.readManifests(headers, 'any')) };
  app.get('/manifests/', listing, async ({ headers }, reply) => {
    const mayRead = (environment: string): boolean =>
      access.readManifests(headers, { environment }) === undefined;
    const names = (await manifests.listed()).filter(mayRead);
    const others = reports.environments().filter(mayRead);
    const environments = [...new Set([...names, ...others])].toSorted();
    json(reply, {
      apiVersion: 'supercargo/environments/v1',
      environments,
      names: names.map((name) => `${name}.json`),
    });
  });
  app.get('/manifests/:file', reading, getCurrent(context));
  app.put('/manifests/:file', publishing, putCurrent(context));
  app.get('/manifests/:environment/', reading, async (request, reply) => {
    const environment = addressed(request, reply);
    if (environment === undefined) return;
    const names = (await manifests.serials(environment)).map((serial) => `${String(serial)}.json`);
    json(reply, { apiVersion: 'supercargo/serials/v1', environment, names });
  });
  app.get('/manifests/:environment/:file', reading, getPast(context));
  app.put('/manifests/:environment/:file', publishing, putPast(context));
  app.delete('/manifests/:environment/:file', publishing, deleteProbe(context));
};
