import { describe, expect, it } from 'vitest';
import { explain } from '../../../../src/core/plan/explain-service.ts';
import { planInput } from '../../../support/world.ts';
import { deploy, scenario, web } from './scenario.ts';

const compose = (token: string): string => `services:
  web:
    image: org/web
    environment: {PASSWORD: env-${token}, COLOUR: blue}
    logging: {driver: splunk, options: {splunk-token: log-${token}, splunk-url: https://logs.example.com}}
`;

const withPorts = (ports: string): string => `services: {web: {image: org/web, ports: [${ports}]}}`;

describe('explain', () => {
  it('tells desired from actual field by field, and never a value that may be secret', async () => {
    const s = scenario(compose('old'), { 'org/web:1': {}, 'org/web:2': {} });
    await deploy(s, web('1'));
    const input = planInput({
      compose: compose('new'),
      versions: web('2'),
      published: { serial: 2 },
      actual: s.engine.actual(),
      ledger: s.agent.ledger,
      more: { nowMs: s.engine.now() },
    });
    const [explained] = explain(input);
    expect(explained?.differences.filter((d) => d.field !== 'image')).toEqual([
      { field: 'version', desired: '2', actual: '1' },
      { field: 'environment.PASSWORD', desired: 'set (another value)', actual: 'set' },
      { field: 'logging.options.splunk-token', desired: 'set (another value)', actual: 'set' },
    ]);
    expect(JSON.stringify(explained)).not.toMatch(/env-|log-old|log-new/);
  });

  it('tells no difference of ports that stand in another order', async () => {
    const s = scenario(withPorts('"81:8888", "80:5005"'), { 'org/web:1': {} });
    await deploy(s, web('1'));
    const input = planInput({
      compose: withPorts('"80:5005", "81:8888"'),
      versions: web('1'),
      published: { serial: 2 },
      actual: s.engine.actual(),
      ledger: s.agent.ledger,
      more: { nowMs: s.engine.now() },
    });
    expect(explain(input)[0]?.differences).toEqual([]);
  });
});
