import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { entityTagOf, type Conditions } from '../../core/hub/conditional-request.ts';
import { hostOfFile } from '../../core/hub/file-names.ts';
import { HEARTBEAT_HEADER, HEARTBEAT_YES, SEQ_HEADER } from '../../core/hub/heartbeat-header.ts';
import { refusal, type Refusal } from '../../core/hub/refusal.ts';
import { REPORT_CAP_BYTES } from '../../core/hub/read-report.ts';
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
import { answerFleetPage } from './answer-fleet-page.ts';
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

const tooLong: Refusal = refusal(
  413,
  'too-large',
  'the reports of all hosts together have more than 64 MiB',
  'upgrade what reads them to the version of the hub, which asks for pages (?limit=100)',
);

/** Revisions of a life, equal at every hub of the store, save hashing megabytes for each reader. */
const listTag = ({ reports }: HubContext, environment: string): string => {
  const { life, revision } = reports.hearing(environment);
  return `"${life}-${String(revision)}"`;
};

const listed = (context: HubContext, environment: string): Served => ({
  tag: listTag(context, environment),
  cacheControl: 'no-store',
  body: async () => {
    const { reports } = context;
    const { atMs } = reports.hearing(environment);
    return (await fleetDocument(reports, environment, atMs)) ?? tooLong;
  },
});

const LIST_TAG = /"([^"]*)-(\d{1,16})"/g;

/** News wakes a waiting reader at once; mere heartbeats reach it when its wait is over. */
const knowsNews = (
  { reports }: HubContext,
  environment: string,
  { ifNoneMatch = '' }: Conditions,
): boolean => {
  const { life } = reports.hearing(environment);
  const newsRevision = reports.newsRevision(environment);
  return [...ifNoneMatch.matchAll(LIST_TAG)].some(
    ([, of, revision]) => of === life && Number(revision) >= newsRevision,
  );
};

const getList =
  (context: HubContext) =>
  (request: FastifyRequest, reply: FastifyReply): void => {
    const { waiting, reports, pages } = context;
    const environment = partOf(request, 'environment');
    if (!isEnvironmentName(environment)) return refuse(reply, nowhere);
    if (answerFleetPage(pages, environment, request, reply)) return;
    const answer = (): void =>
      answerOrHold(request, reply, {
        waiting,
        topic: reportTopic(environment),
        read: () => listed(context, environment),
        absent: nowhere,
        isWorthHolding: (conditions) => knowsNews(context, environment, conditions),
      });
    // No handler is left waiting, which would cost memory for each request that is held.
    reports.refresh(environment).then(answer, (error: unknown) => void reply.send(error));
  };

const getOne =
  ({ reports }: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const address = addressOf(request);
    if (!address) return refuse(reply, nowhere);
    const { environment, host } = address;
    const bytes = (await reports.bytesOf(environment, [host])).get(host);
    if (!bytes) return refuse(reply, notFound(`${host} has not reported for ${environment}`));
    sendServed(request, reply, { tag: entityTagOf(bytes), cacheControl: 'no-store', body: () => bytes });
  };

const takesHeartbeats = (reply: FastifyReply, tag: string): FastifyReply =>
  reply.header('etag', tag).header(HEARTBEAT_HEADER, HEARTBEAT_YES);

const isHeartbeat = (request: FastifyRequest): boolean =>
  request.headers[HEARTBEAT_HEADER] === HEARTBEAT_YES && bytesOf(request).length === 0;

/** Null without a number that an agent counts by. */
const seqOf = (request: FastifyRequest): number | null => {
  const header = request.headers[SEQ_HEADER];
  const seq = typeof header === 'string' && /^\d{1,16}$/.test(header) ? Number(header) : Number.NaN;
  return Number.isSafeInteger(seq) ? seq : null;
};

const sendWhole: Refusal = refusal(
  412,
  'changed',
  'the hub does not have the report that this heartbeat repeats',
  'send the whole report; the agent does so by itself',
);

const takeHeartbeat = async (
  { reports, counters }: HubContext,
  { environment, host }: Address,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> => {
  const tag = conditionsOf(request).ifMatch ?? '';
  const answer = await reports.beat(environment, { host, tag, seq: seqOf(request) });
  if (answer === 'unknown') return refuse(reply, sendWhole);
  counters.reports += 1;
  void takesHeartbeats(reply, tag).code(204).send();
};

const putOne =
  (context: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { reports, counters, log } = context;
    const address = addressOf(request);
    if (!address) return refuse(reply, nowhere);
    if (isHeartbeat(request)) return takeHeartbeat(context, address, request, reply);
    const { environment, host } = address;
    const answer = await reports.take(environment, host, bytesOf(request));
    if (answer.kind === 'refused') {
      const { code, message } = answer.refusal;
      log.write('warn', 'report.refused', { environment, host, reason: code, message });
      return refuse(reply, answer.refusal);
    }
    // Without a tag: the agent goes on with whole reports.
    if (answer.kind === 'outdated') return void reply.code(204).send();
    counters.reports += 1;
    void takesHeartbeats(reply, answer.tag)
      .code(answer.isNew ? 201 : 204)
      .send();
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
  const list = getList(context);
  app.get('/reports/:environment', reading, list);
  app.get('/reports/:environment/', reading, list);
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
