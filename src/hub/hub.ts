import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { AgentError, messageOf } from '../core/errors.ts';
import type { EventLog } from '../core/events.ts';
import { isLoopback, type ListenAddress } from '../core/hub/listen-address.ts';
import type { HubSecrets } from '../core/hub/secrets.ts';
import type { Trust } from '../core/manifest/manifest.ts';
import type { HubArchives } from '../core/ports/hub-archives.ts';
import type { HubStore } from '../core/ports/hub-store.ts';
import type { EpochMs } from '../core/time.ts';
import { createClients, type Clients } from './http/clients.ts';
import { createGuard } from './http/request-guard.ts';
import { addCommonAnswers } from './http/common-answers.ts';
import { createAccess } from './authorization.ts';
import { notFound, refuse } from './http/responses.ts';
import { answerClientError } from './http/malformed-request.ts';
import type { HubContext } from './hub-context.ts';
import { countPreviousSecret, createCounters } from './counters.ts';
import { createHttpServer, type HttpServer, type TlsFiles } from './http/http-server.ts';
import { followStore } from './store/follow-store.ts';
import { forgetSilentHosts } from './fleet/forget-silent.ts';
import type { HubLimits } from './limits.ts';
import { openManifests } from './manifests/manifests.ts';
import { awaitStore } from './store/await-store.ts';
import { createStartGate, type StartGate } from './http/start-gate.ts';
import { createThrottle } from './throttle.ts';
import { openReports } from './fleet/reports.ts';
import { addArchiveRoutes } from './routes/routes-archives.ts';
import { createFleetPages } from './fleet/fleet-pages.ts';
import { addMetricsRoutes } from './routes/routes-metrics.ts';
import { addManifestRoutes, manifestTopic } from './routes/routes-manifests.ts';
import type { PageAsset } from './page/assets.ts';
import { addPageRoutes } from './routes/routes-page.ts';
import { addReportRoutes, reportTopic } from './routes/routes-reports.ts';
import { addRolloutRoutes } from './routes/routes-rollouts.ts';
import { addTurnRoutes } from './routes/routes-turns.ts';
import { createWaiting, LONGEST_WAIT_SECONDS } from './http/held-requests.ts';
import { createTurnQueue } from './turns/turn-queue.ts';
import { openTurns, type Turns } from './turns/turns.ts';
import { createWatchers } from './http/watchers.ts';

export interface HubOptions {
  readonly store: HubStore;
  readonly archives: HubArchives;
  readonly secrets: HubSecrets;
  readonly listen: ListenAddress;
  readonly tls: TlsFiles | undefined;
  /** Read at every publish; undefined if only hosts verify signatures. @throws AgentError */
  readonly trust: () => Promise<Trust | undefined>;
  readonly limits: HubLimits;
  readonly assets: readonly PageAsset[];
  readonly log: EventLog;
  readonly now: () => EpochMs;
  readonly version: string;
  /** Ends the wait for a store that is away. */
  readonly signal?: AbortSignal;
}

export interface Hub {
  /** With the real port, such as `http://127.0.0.1:8440`. */
  readonly url: string;
  readonly renewTls: (files: TlsFiles) => void;
  /** Judges later requests by these; held ones go on. */
  readonly renewSecrets: (secrets: HubSecrets) => void;
  /** Ends held requests, lets responses in flight finish, closes every connection. */
  readonly close: () => Promise<void>;
}

/** The shortest time between two wake-ups of an environment's readers: many hosts report during a deploy. */
const PULSE_MS = 200;
/** Grace period for responses in flight at shutdown. */
const LAST_ANSWERS_MS = 5000;

/** Loads the framework only when a hub starts, to save an agent its memory. */
const createApp = async (
  options: HubOptions,
): Promise<{ readonly app: FastifyInstance; readonly http: HttpServer; readonly gate: StartGate }> => {
  const { default: fastify } = await import('fastify');
  const made: { http?: HttpServer } = {};
  const gate = createStartGate();
  const app = fastify({
    serverFactory: (listener) => {
      made.http = createHttpServer(gate.guard(listener), {
        tls: options.tls,
        connections: options.limits.connections,
      });
      return made.http.server;
    },
    routerOptions: { maxParamLength: 300, caseSensitive: true, ignoreTrailingSlash: false },
    bodyLimit: 4096,
    clientErrorHandler: answerClientError,
    frameworkErrors: (_error, _request, reply) => {
      refuse(reply, notFound('this address is malformed'));
    },
  });
  if (!made.http) throw new Error('the framework made no server');
  return { app, http: made.http, gate };
};

const listen = async (
  { server }: HttpServer,
  { host, port }: ListenAddress,
  scheme: string,
): Promise<string> => {
  const listening = once(server, 'listening');
  server.listen({ port, ...(host !== undefined && { host }), backlog: 4096 });
  try {
    await listening;
  } catch (error) {
    throw new AgentError('CONFIG', `cannot listen on ${host ?? ''}:${String(port)}: ${messageOf(error)}`, {
      cause: error,
      advice: 'choose another --listen address, or stop what listens there',
    });
  }
  const { address, family, port: given } = server.address() as AddressInfo;
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${String(given)}`;
};

const openContext = async (options: HubOptions, clients: Clients, { allowTime }: HttpServer) => {
  const { store, archives, secrets, limits, now, trust, assets, log, version } = options;
  const waiting = createWaiting(LONGEST_WAIT_SECONDS);
  const watchers = createWatchers();
  const pulse = createThrottle(PULSE_MS, (environment) => {
    waiting.wake(reportTopic(environment));
    watchers.notify(environment);
  });
  /** Turns follow manifests and reports, which are opened first. */
  const opened: { turns?: Turns } = {};
  const manifests = await openManifests({
    store: store.manifests,
    trust,
    now,
    mostEnvironments: limits.environments,
    onChanged: (environment) => {
      waiting.wake(manifestTopic(environment));
      watchers.notify(environment);
      opened.turns?.noteNews(environment);
      opened.turns?.review(environment);
    },
  });
  const reports = await openReports({
    store: store.fleets,
    now,
    mostHosts: limits.hosts,
    mostServices: limits.services,
    mostEnvironments: limits.environments,
    onChanged: (environment) => {
      pulse.signal(environment);
      opened.turns?.noteNews(environment);
    },
    onHeard: (environment) => opened.turns?.review(environment),
  });
  const turnQueue = createTurnQueue(waiting);
  const turns = await openTurns({
    store: store.turns,
    manifests,
    reports,
    log,
    now,
    mostEnvironments: limits.environments,
    onChanged: turnQueue.wake,
  });
  opened.turns = turns;
  const stopFollowing = followStore({
    store,
    read: { manifests: manifests.read, reports: reports.refresh, turns: turns.learn },
    onTrouble: (message) => log.write('error', 'hub.warned', { message }),
  });
  const counters = createCounters();
  const access = createAccess({
    secrets,
    isLoopback: isLoopback(options.listen.host),
    now,
    onPrevious: (kind) => countPreviousSecret(counters, kind),
    onRevoked: (environment, host, message) =>
      log.write('warn', 'report.refused', { environment, host, reason: 'revoked', message }),
  });
  const shared = {
    access,
    guard: createGuard(clients),
    allowTime,
    store,
    manifests,
    reports,
    pages: createFleetPages({ reports, manifests, now }),
    archives,
    turns,
    turnQueue,
    waiting,
    watchers,
    counters,
    assets,
    log,
    now,
    version,
  };
  const { archiveBytes: mostArchiveBytes, services: mostServices } = limits;
  return {
    context: {
      ...shared,
      mostArchiveBytes,
      mostServices,
      connections: clients.open,
    } satisfies HubContext,
    pulse,
    stopFollowing,
  };
};

/** Answers behind a server that listens already. Returns what ends it. */
const serve = async (
  options: HubOptions,
  { context, pulse, stopFollowing }: Awaited<ReturnType<typeof openContext>>,
  app: FastifyInstance,
) => {
  const stopLogging = addCommonAnswers(app, context);
  addManifestRoutes(app, context);
  addReportRoutes(app, context);
  addArchiveRoutes(app, context);
  addTurnRoutes(app, context);
  addRolloutRoutes(app, context);
  addPageRoutes(app, context);
  addMetricsRoutes(app, context);
  const stopForgetting = forgetSilentHosts(context, options.limits.forgetAfterMs);
  await app.ready();
  return {
    context,
    stop: (): void => {
      stopForgetting();
      stopFollowing();
      stopLogging();
      pulse.close();
      context.waiting.close();
      context.watchers.close();
    },
  };
};

/**
 * Serves the layout of core/fleet/store-layout.ts over HTTP. Listens at once; resolves when the store is
 * there.
 * @throws AgentError STORE, CONFIG; the signal's reason
 */
export const startHub = async (options: HubOptions): Promise<Hub> => {
  const { app, http, gate } = await createApp(options);
  const clients = createClients(options.limits.connections);
  http.server.on('connection', clients.add);
  const url = await listen(http, options.listen, options.tls === undefined ? 'http' : 'https');
  try {
    const opened = await awaitStore(
      () => openContext(options, clients, http),
      options.log,
      options.signal ?? new AbortController().signal,
    );
    const { context, stop } = await serve(options, opened, app);
    gate.open();
    return {
      url,
      renewTls: http.renewTls,
      renewSecrets: (renewed) => {
        context.access.renew(renewed);
        // A browser connects again, and is then judged by the new secrets.
        context.watchers.close();
      },
      close: async () => {
        const closed = once(http.server, 'close');
        http.server.close();
        stop();
        http.server.closeIdleConnections();
        const timer = setTimeout(() => http.server.closeAllConnections(), LAST_ANSWERS_MS);
        await closed;
        clearTimeout(timer);
        await app.close();
        await context.turns.close();
      },
    };
  } catch (error) {
    http.server.close();
    http.server.closeAllConnections();
    throw error;
  }
};
