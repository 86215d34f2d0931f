import type { OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ARCHIVE_FOLDER } from '../../core/fleet/store-layout.ts';
import { refusal, type Refusal } from '../../core/hub/refusal.ts';
import { isDigest, type Digest } from '../../core/image/reference.ts';
import { notFound, partOf, refuse } from '../http/responses.ts';
import type { HubContext } from '../hub-context.ts';
import { json } from '../http/request-guard.ts';

const nowhere = notFound('there is no such address for archives');

/** The name of an archive's file is the digest of its bytes. */
const digestOf = (request: FastifyRequest): Digest | undefined => {
  const digest = `sha256:${partOf(request, 'file').replace(/\.tar$/, '')}`;
  return partOf(request, 'file').endsWith('.tar') && isDigest(digest) ? digest : undefined;
};

const getOne =
  ({ archives }: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const file = partOf(request, 'file');
    const found = digestOf(request) === undefined ? undefined : await archives.find(file);
    if (!found) return refuse(reply, notFound('this archive does not exist'));
    reply
      .header('content-length', String(found.bytes))
      .header('last-modified', new Date(found.modifiedAtMs ?? 0).toUTCString())
      // The name is a digest, so the content never changes.
      .header('cache-control', 'public, max-age=31536000, immutable')
      .header('content-type', 'application/x-tar');
    if (request.method === 'HEAD') {
      // The framework would set Content-Length to that of the missing body.
      reply.hijack();
      reply.raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders).end();
      return;
    }
    await reply.send(Readable.from(archives.open(file), { objectMode: false }));
  };

const tooLarge = (most: number): Refusal =>
  refusal(
    413,
    'too-large',
    `the archive is larger than ${String(most)} bytes`,
    'start the hub with a higher --max-archive, or publish without --archive',
  );

const lengthOf = ({ headers }: FastifyRequest): number | undefined => {
  const text = headers['content-length'];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
};

const putOne =
  ({ archives, mostArchiveBytes, counters, log, allowTime }: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    allowTime(request.raw);
    const [digest, bytes] = [digestOf(request), lengthOf(request)];
    // A body that is not read to its end would block the connection.
    reply.header('connection', 'close');
    if (digest === undefined) return refuse(reply, nowhere);
    if (bytes === undefined)
      return refuse(reply, refusal(411, 'length', 'the length is missing', 'send Content-Length'));
    if (bytes > mostArchiveBytes) return refuse(reply, tooLarge(mostArchiveBytes));
    const file = partOf(request, 'file');
    const isNew = (await archives.find(file)) === undefined;
    // There is none if its length is 0.
    const body = (request.body ?? []) as AsyncIterable<Uint8Array>;
    if ((await archives.receive(file, body, { digest, bytes })) === 'mismatch') {
      const message = 'the content does not match the digest in the address';
      log.write('warn', 'archive.refused', { file, reason: 'digest', message });
      return refuse(reply, refusal(422, 'digest', message, 'publish it again'));
    }
    counters.archives += 1;
    log.write('info', 'archive.stored', { file, bytes });
    void reply.code(isNew ? 201 : 204).send();
  };

const deleteOne =
  ({ archives, log }: HubContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const file = partOf(request, 'file');
    if (digestOf(request) === undefined || !(await archives.remove(file)))
      return refuse(reply, notFound('this archive does not exist'));
    log.write('info', 'archive.removed', { file });
    void reply.code(204).send();
  };

/**
 * `/archives/…`: images that accompany the manifests. A scope of their own keeps their bodies out of memory.
 */
export const addArchiveRoutes = (app: FastifyInstance, context: HubContext): void => {
  const { access, archives, guard } = context;
  // An archive is named by its digest and belongs to no environment.
  const reading = { onRequest: guard((headers) => access.readManifests(headers, 'any')) };
  const storing = { onRequest: guard((headers) => access.publish(headers, 'any')) };
  // Another environment may need what one no longer names.
  const listing = { onRequest: guard((headers) => access.readManifests(headers, 'all')) };
  const removing = { onRequest: guard((headers) => access.publish(headers, 'all')) };
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, body, parsed) => parsed(null, body));
    scope.get(`/${ARCHIVE_FOLDER}/`, listing, async (_request, reply) => {
      const names = (await archives.list()).filter((name) => name.endsWith('.tar'));
      json(reply, { apiVersion: 'supercargo/archives/v1', names });
    });
    scope.head(`/${ARCHIVE_FOLDER}/:file`, reading, getOne(context));
    scope.get(`/${ARCHIVE_FOLDER}/:file`, { ...reading, exposeHeadRoute: false }, getOne(context));
    scope.put(
      `/${ARCHIVE_FOLDER}/:file`,
      { ...storing, bodyLimit: context.mostArchiveBytes + 1 },
      putOne(context),
    );
    scope.delete(`/${ARCHIVE_FOLDER}/:file`, removing, deleteOne(context));
    done();
  });
};
