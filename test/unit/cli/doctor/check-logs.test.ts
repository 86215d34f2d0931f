import { expect, it } from 'vitest';
import { checkLogs } from '../../../../src/cli/doctor/check-logs.ts';
import { deploy, scenario, web } from '../../core/plan/scenario.ts';

const COMPOSE = `
services:
  web: {image: org/web, restart: always, deploy: {replicas: 2}}
  api: {image: org/api, restart: always}
`;

it('doctor names services whose logs have no limit, each once', async () => {
  const s = scenario(COMPOSE, { 'org/web:1': {}, 'org/api:1': {} });
  await deploy(s, { ...web('1'), api: 'org/api:1' });
  expect(checkLogs(s.engine.actual())).toEqual([]);
  for (const { name, detail, owner } of s.engine.actual().containers)
    if (owner?.service === 'web')
      s.engine.byHand.change(name, { detail: detail && { ...detail, isLogUnlimited: true } });
  expect(checkLogs(s.engine.actual())).toMatchObject([
    { name: 'logs', result: 'hint', message: 'without a limit (json-file without max-size): web' },
  ]);
});
