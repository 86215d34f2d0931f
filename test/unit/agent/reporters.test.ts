import { describe, expect, it } from 'vitest';
import { createAgent, type Agent } from '../../../src/agent/agent.ts';
import { reconcileOnce } from '../../../src/agent/once.ts';
import type { AgentPorts } from '../../../src/agent/agent-ports.ts';
import { AgentError } from '../../../src/core/errors.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import { createSurroundings } from '../../support/agent-ports.ts';
import { ENVIRONMENT, edgeSetting } from '../../support/world.ts';

const signal = new AbortController().signal;
const sleepless = { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting };

/** A host whose reports and metrics are kept. */
const createHost = (more: Partial<AgentPorts> = {}) => {
  const host = createSurroundings('services: { web: { image: org/web, restart: always } }');
  host.engine.registry.push('org/web:1');
  host.engine.registry.push('org/web:bad', { exits: 1 });
  const reports: Status[] = [];
  const files: string[] = [];
  // Simulated time goes on with each look.
  const now = (): number => {
    host.engine.advance(500);
    return host.engine.now();
  };
  const ports: AgentPorts = {
    ...host,
    now,
    reports: {
      url: () => 'https://hub/reports/test/host-1.json',
      send: async (report) => {
        reports.push(JSON.parse(report.text()) as Status);
        return Promise.resolve({ kind: 'delivered' });
      },
    },
    metrics: {
      path: '/agent.prom',
      write: async (text) => {
        files.push(text);
        return Promise.resolve({ ok: true });
      },
    },
    ...more,
  };
  const agent = createAgent(ports, sleepless, { running: false, version: '0', pid: null }, false);
  return { host, agent, reports, files };
};

const once = async (agent: Agent): Promise<void> => {
  await agent.open(signal);
  await reconcileOnce(agent, async () => Promise.resolve(), signal);
};

describe('what others are told', () => {
  it('comes at the end of a single reconcile too', async () => {
    const { host, agent, reports, files } = createHost();
    host.publish(1, { web: 'org/web:1' });
    await once(agent);
    expect(reports).toMatchObject([{ outcome: 'converged', manifest: { serial: 1 } }]);
    expect(files).toEqual([
      expect.stringContaining('supercargo_deploys_total{environment="test",service="web",result="proved"} 1'),
    ]);
    expect(agent.status().report).toMatchObject({
      url: 'https://hub/reports/test/host-1.json',
      message: null,
    });
    host.publish(2, { web: 'org/web:bad' });
    await once(agent);
    expect(reports.at(-1)).toMatchObject({ outcome: 'rolled-back', manifest: { serial: 2 } });
    expect(files.at(-1)).toContain(
      'supercargo_deploys_total{environment="test",service="web",result="failed"} 1',
    );
  });

  it('is nothing where nobody is named', async () => {
    const host = createSurroundings('services: { web: { image: org/web } }');
    const agent = createAgent(host, sleepless, { running: false, version: '0', pid: null }, false);
    agent.reporting.see(agent.status());
    await agent.reporting.run(signal);
    await agent.reporting.close(1);
    expect(agent.status().report).toBeNull();
  });

  it('is logged where it does not arrive, and stands in the status', async () => {
    const error = new AgentError('STORE', 'cannot send', { advice: 'look' });
    const { host, agent } = createHost({
      reports: { url: () => 'https://hub', send: async () => Promise.resolve({ kind: 'failed', error }) },
      metrics: { path: '/m.prom', write: async () => Promise.resolve({ ok: false, error }) },
    });
    host.publish(1, { web: 'org/web:1' });
    await once(agent);
    expect(host.events.filter((e) => /^(report|metrics)\./.test(e.event))).toEqual([
      { event: 'report.failed', fields: { code: 'STORE', message: 'cannot send', advice: 'look' } },
      { event: 'metrics.failed', fields: { message: 'cannot send', advice: 'look' } },
    ]);
    expect(agent.status().report).toEqual({ url: 'https://hub', sentAt: null, message: 'cannot send' });
  });
});
