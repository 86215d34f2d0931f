import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { entityTagOf, isKnown } from '../../core/hub/conditional-request.ts';
import { refusal, type Refusal } from '../../core/hub/refusal.ts';
import { bytesOf, conditionsOf, refuse, storeIsAway } from '../http/responses.ts';
import { createReadiness } from '../store/readiness.ts';
import type { HubContext } from '../hub-context.ts';
import type { PageAsset } from '../page/assets.ts';

const LOGIN = '/login';
const LOGIN_CAP_BYTES = 4096;

/** Allows only files of this hub, and no frames. Only the login page has a form. */
const policyOf = (path: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    `form-action ${path === LOGIN ? "'self'" : "'none'"}`,
  ].join('; ');

const addAsset = (
  app: FastifyInstance,
  { access, assets }: HubContext,
  { path, contentType, body }: PageAsset,
): void => {
  const bytes = Buffer.from(body);
  const tag = entityTagOf(bytes);
  const hasLogin = assets.some((asset) => asset.path === LOGIN);
  // Only the page itself needs a login; its files contain no secrets.
  const judge = (headers: FastifyRequest['headers']): Refusal | undefined =>
    path === '/' ? access.readReports(headers, 'all') : undefined;
  app.get(path, (request, reply) => {
    const objection = judge(request.headers);
    if (objection?.status === 401 && hasLogin) return reply.redirect(LOGIN, 303);
    if (objection) return refuse(reply, objection);
    reply
      .header('content-security-policy', policyOf(path))
      .header('etag', tag)
      .header('cache-control', 'no-cache');
    if (isKnown(conditionsOf(request), tag)) void reply.code(304).send();
    else void reply.type(contentType).send(bytes);
  });
};

/** The token in a form or in a JSON body. */
const offeredToken = (request: FastifyRequest): string => {
  const text = Buffer.from(bytesOf(request)).toString('utf8');
  if (!(request.headers['content-type'] ?? '').startsWith('application/json'))
    return new URLSearchParams(text).get('token')?.trim() ?? '';
  try {
    const { token } = JSON.parse(text) as { token?: unknown };
    return typeof token === 'string' ? token.trim() : '';
  } catch {
    return '';
  }
};

/** TLS may end at a proxy. A client that forges the header only harms its own cookie. */
const isSecure = (request: FastifyRequest): boolean =>
  request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https';

const logIn =
  ({ access, log }: HubContext) =>
  (request: FastifyRequest, reply: FastifyReply): void => {
    const cookie = access.logIn(offeredToken(request), isSecure(request));
    const isPerson = (request.headers.accept ?? '').includes('text/html');
    reply.header('cache-control', 'no-store');
    if (cookie !== undefined) reply.header('set-cookie', cookie);
    else log.write('warn', 'login.refused', { address: request.ip });
    if (isPerson) return void reply.redirect(cookie === undefined ? `${LOGIN}?failed` : '/', 303);
    if (cookie !== undefined) return void reply.code(204).send();
    refuse(
      reply,
      refusal(401, 'unauthorized', 'this is not the read token', 'type the value of SUPERCARGO_READ_TOKEN'),
    );
  };

const getEvents =
  ({ watchers }: HubContext) =>
  (_request: FastifyRequest, reply: FastifyReply): void => {
    const busy = refusal(503, 'too-many', 'too many pages watch this hub', 'close some, or try again later');
    if (watchers.count() >= watchers.most) return refuse(reply, busy);
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // nginx would hold the events back until its buffer is full.
      'x-accel-buffering': 'no',
    });
    watchers.add(reply.raw);
  };

/** The page for people, and whether the hub is well. */
export const addPageRoutes = (app: FastifyInstance, context: HubContext): void => {
  const { access, assets, guard, store, now } = context;
  for (const asset of assets) addAsset(app, context, asset);
  app.post(LOGIN, { bodyLimit: LOGIN_CAP_BYTES }, logIn(context));
  app.get('/logout', (_request, reply) => {
    const target = assets.some(({ path }) => path === LOGIN) ? LOGIN : '/';
    return reply
      .header('set-cookie', access.logOut)
      .header('cache-control', 'no-store')
      .redirect(target, 303);
  });
  app.get('/events', { onRequest: guard(access.readReports) }, getEvents(context));
  app.get('/healthz', (_request, reply) => reply.header('cache-control', 'no-store').send('ok\n'));
  const readiness = createReadiness(store, now);
  app.get('/readyz', async (_request, reply) => {
    const failure = await readiness();
    if (failure) return refuse(reply, storeIsAway(failure));
    return reply.header('cache-control', 'no-store').send('ok\n');
  });
};
