import { memoryUsage } from 'node:process';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  MOST_LISTED,
  renderFleetMetrics,
  type EnvironmentFacts,
  type FleetFacts,
} from '../../core/hub/fleet-metrics.ts';
import { renderMetrics } from '../../core/hub/hub-metrics.ts';
import type { HubContext } from '../hub-context.ts';
import { openFileLimit } from '../http/open-file-limit.ts';

const outcomesOf = ({ reports }: HubContext, environment: string): EnvironmentFacts['outcomes'] => {
  const counts = new Map<string, number>();
  for (const { summary } of reports.all(environment))
    counts.set(summary.outcome, (counts.get(summary.outcome) ?? 0) + 1);
  return counts;
};

const environmentFacts = (context: HubContext, environment: string): EnvironmentFacts => {
  const { manifests, reports, pages } = context;
  const isListed = reports.count(environment) <= MOST_LISTED;
  return {
    environment,
    serial: manifests.current(environment)?.serial,
    outcomes: outcomesOf(context, environment),
    verdicts: new Map(pages.totals(environment).words.map(({ word, hosts }) => [word, hosts])),
    hosts: isListed
      ? reports.all(environment).map(({ host, receivedAtMs, summary: { serial, labels } }) => ({
          host,
          receivedAtMs,
          serial,
          labels,
        }))
      : undefined,
  };
};

const fleetFacts = (context: HubContext, rollouts = context.turns.known()): FleetFacts => {
  const names = new Set([...context.manifests.environments(), ...context.reports.environments()]);
  return {
    environments: [...names].toSorted().map((environment) => environmentFacts(context, environment)),
    rollouts,
  };
};

const hubText = (context: HubContext): string => {
  const rollouts = context.turns.known();
  return renderMetrics({
    version: context.version,
    // Of several hubs each would tell the same fleet once more.
    fleet: context.store.isShared ? undefined : fleetFacts(context, rollouts),
    takesTurns: rollouts.length > 0,
    connections: context.connections(),
    heldPolls: context.waiting.held(),
    watchers: context.watchers.count(),
    residentBytes: memoryUsage.rss(),
    maxFiles: openFileLimit(),
    ...context.counters,
  });
};

const answer =
  (textOf: () => string) =>
  (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply.header('cache-control', 'no-store').type('text/plain; version=0.0.4; charset=utf-8').send(textOf());

/** What monitors ask for. */
export const addMetricsRoutes = (app: FastifyInstance, context: HubContext): void => {
  const reading = { onRequest: context.guard(context.access.readReports) };
  app.get(
    '/metrics',
    reading,
    answer(() => hubText(context)),
  );
  app.get(
    '/metrics/fleet',
    reading,
    answer(() => renderFleetMetrics(fleetFacts(context))),
  );
};
