import { createAgent, type Agent } from '../../src/agent/agent.ts';
import { reportText } from '../../src/core/status/report-text.ts';
import type { Status } from '../../src/core/status/status-document.ts';
import { createSurroundings } from './agent-ports.ts';
import { ENVIRONMENT, edgeSetting } from './world.ts';

const signal = new AbortController().signal;
const HOST = 'host-1';
const COMPOSE = 'services: { web: { image: org/web, restart: always } }';

export interface ReportingAgent {
  readonly environment: string;
  readonly host: string;
  /** What the agent would send now, as a reader gets it. */
  readonly report: () => Status;
  /** A minute in which nothing happens but what always does: polls, and a report that is delivered. */
  readonly passMinute: () => Promise<void>;
}

const settle = async (agent: Agent, advance: (ms: number) => void): Promise<void> => {
  for (let pass = 0; pass < 200; pass += 1) {
    await agent.pass(signal);
    await agent.reconciler.close(1_000);
    if (agent.reconciler.isSettled()) return;
    advance(500);
  }
  throw new Error(`never settled: ${JSON.stringify(agent.status().services)}`);
};

/** An agent on a simulated host, converged; its reports are those of a real one. */
export const startReportingAgent = async (): Promise<ReportingAgent> => {
  const surroundings = createSurroundings(COMPOSE);
  const { engine } = surroundings;
  const sink = {
    url: () => 'https://hub/reports/test/host-1.json',
    send: async () => Promise.resolve({ kind: 'delivered' } as const),
  };
  const options = { environment: ENVIRONMENT, host: HOST, keepReleases: 2, edge: edgeSetting };
  const identity = { running: true, version: '0', pid: 1 };
  const agent = createAgent({ ...surroundings, reports: sink }, options, identity, false);
  engine.registry.push('org/web:1');
  surroundings.publish(1, { web: 'org/web:1' });
  await agent.open(signal);
  await agent.settleLedger(signal);
  await agent.intake.fetch(signal);
  await settle(agent, engine.advance);
  return {
    environment: ENVIRONMENT,
    host: HOST,
    report: () => JSON.parse(reportText(agent.status())) as Status,
    passMinute: async () => {
      agent.reporting.see(agent.status());
      await agent.reporting.close(1_000);
      engine.advance(60_000);
      await agent.intake.fetch(signal);
      await settle(agent, engine.advance);
    },
  };
};
