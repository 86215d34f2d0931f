import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isKnown, type Conditions } from '../core/hub/conditional-request.ts';
import { hostOfFile } from '../core/hub/file-names.ts';
import { REPORT_CAP_BYTES } from '../core/hub/read-report.ts';
import { isEnvironmentName } from '../core/manifest/schema.ts';
import { answerOrHold, bytesOf, conditionsOf, notFound, partOf, refuse, type Served } from './responses.ts';
import type { HubContext } from './hub-context.ts';
import { fleetDocument } from './fleet-document.ts';

export const reportTopic = (environment: string): string => `reports ${environment}`;

const nowhere = notFound('there is no such address for reports');

interface Address {
  readonly environment: string;
  readonly host: string;
}

const addressOf = (request: FastifyRequest): Address | undefined => {
  const environment = partOf(request, 'environment');
  const host = hostOfFile(partOf(request, 'file'));
  return isEnvironmentName(environment) && host !== undefined ? { environment, host } : undefined;
};

/**
 * The tag of the list counts changes, which saves hashing megabytes for each reader. News wakes a waiting
 * reader at once; mere heartbeats reach it when its wait is over.
 */
const listed = ({ reports, life }: HubContext, environment: string) => {
  const { changes, heartbeats, atMs } = reports.version(environment);
  const prefix = `"${life}-${String(changes)}-`;
  return {
    prefix,
    served: {
      tag: `${prefix}${String(heartbeats)}"`,
      cacheControl: 'no-store',
      body: () => fleetDocument(environment, reports.all(environment), atMs),
    } satisfies Served,
  };
};

const getList =
  (context: HubContext) =>
  (request: FastifyRequest, reply: FastifyReply): void => {
    const environment = partOf(request, 'environment');
    if (!isEnvironmentName(environment)) return refuse(reply, nowhere);
    answerOrHold(request, reply, {
      waiting: context.waiting,
      topic: reportTopic(environment),
      read: () => listed(context, environment).served,
      absent: nowhere,
      isWorthHolding: ({ ifNoneMatch }: Conditions) =>
        ifNoneMatch?.includes(listed(context, environment).prefix) === true,
    });
  };

const getOne =
  ({ reports }: HubContext) =>
  (request: FastifyRequest, reply: FastifyReply): void => {
    const address = addressOf(request);
    if (!address) return refuse(reply, nowhere);
    const report = reports.one(address.environment, address.host);
    if (!report)
      return refuse(reply, notFound(`${address.host} has not reported for ${address.environment}`));
    reply.header('etag', report.tag).header('cache-control', 'no-store');
    if (isKnown(conditionsOf(request), report.tag)) void reply.code(304).send();
    else void reply.type('application/json; charset=utf-8').send(Buffer.from(report.bytes));
  };

const putOne =
  ({ reports, counters, log }: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const address = addressOf(request);
    if (!address) return refuse(reply, nowhere);
    const { environment, host } = address;
    const answer = await reports.take(environment, host, bytesOf(request));
    if (answer.kind === 'refused') {
      const { code, message } = answer.refusal;
      log.write('warn', 'report.refused', { environment, host, reason: code, message });
      return refuse(reply, answer.refusal);
    }
    if (answer.kind === 'outdated') return void reply.code(204).send();
    counters.reports += 1;
    void reply.code(answer.isNew ? 201 : 204).send();
  };

const deleteOne =
  ({ reports, log }: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const address = addressOf(request);
    if (!address) return refuse(reply, nowhere);
    const { environment, host } = address;
    if (!(await reports.remove(environment, host)))
      return refuse(reply, notFound(`${host} has not reported for ${environment}`));
    log.write('info', 'report.removed', { environment, host });
    void reply.code(204).send();
  };

/** `/reports/…`: the last report of each host. */
export const addReportRoutes = (app: FastifyInstance, context: HubContext): void => {
  const { access, guard } = context;
  const reading = { onRequest: guard(access.readReports) };
  app.get('/reports/:environment', reading, getList(context));
  app.get('/reports/:environment/', reading, getList(context));
  app.get('/reports/:environment/:file', reading, getOne(context));
  app.put(
    '/reports/:environment/:file',
    {
      bodyLimit: REPORT_CAP_BYTES,
      onRequest: guard((headers, _scope, request) => {
        const address = addressOf(request);
        // An invalid address gets 404, whatever the token.
        return address === undefined ? nowhere : access.report(headers, address.environment, address.host);
      }),
    },
    putOne(context),
  );
  app.delete('/reports/:environment/:file', { onRequest: guard(access.publish) }, deleteOne(context));
};
