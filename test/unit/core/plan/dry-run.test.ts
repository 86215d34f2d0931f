import { describe, expect, it } from 'vitest';
import { dryRun, stepsOf } from '../../../../src/core/plan/dry-run.ts';
import type { PlanInput } from '../../../../src/core/plan/plan-input.ts';
import { brief } from '../../../support/simulated-agent.ts';
import { planInput } from '../../../support/world.ts';
import { deploy, isUpkeep, scenario, WEB } from './scenario.ts';

/** What would be done, in the words of the simulated agent; containers that do not exist yet are known by their names. */
const foreseen = (input: PlanInput): readonly string[] => {
  const versions = new Map<string, string>();
  return dryRun(input)
    .steps.map(({ action }) => {
      if (action.kind === 'create')
        versions.set(action.name, `${action.release.service} ${action.release.version}`);
      const words = brief(action, input.actual);
      const name = 'container' in action ? action.container.name : '';
      return words.replace(name === '' ? /^$/ : name, versions.get(name) ?? name);
    })
    .filter((step) => !isUpkeep(step));
};

const COMPOSE = `${WEB}    depends_on: {migrate: {condition: service_completed_successfully}}
  migrate: {image: org/migrate}
`;
const versions = (version: string): Readonly<Record<string, string>> => ({
  web: `org/web:${version}`,
  migrate: 'org/migrate:1',
});

const about = (steps: readonly string[], service: string): readonly string[] =>
  steps.filter((step) => step.includes(` ${service}`));

describe('a dry run', () => {
  it.each([
    ['', COMPOSE],
    [' that may be tried again', COMPOSE.replace('org/migrate}', 'org/migrate, restart: on-failure}')],
  ])(
    'lists the whole ladder of a version change, its job%s first, exactly as it is climbed then',
    async (_, compose) => {
      const s = scenario(compose, {
        'org/web:1': {},
        'org/web:2': {},
        'org/migrate:1': { exits: 0, afterMs: 100 },
      });
      await deploy(s, versions('1'));
      s.since();
      const input = planInput({
        compose,
        versions: versions('2'),
        published: { serial: 2 },
        actual: s.engine.actual(),
        ledger: s.agent.ledger,
        more: { nowMs: s.engine.now() },
      });
      const before = structuredClone(input);
      const steps = foreseen(input);
      expect(input).toEqual(before);
      await deploy(s, versions('2'));
      const climbed = s.since();
      expect(climbed).toContain('start web 2');
      expect(about(steps, 'web')).toEqual(about(climbed, 'web'));
      expect(about(steps, 'migrate')).toEqual(about(climbed, 'migrate'));
      expect(steps.indexOf('start migrate 1')).toBeLessThan(steps.indexOf('create web 2 unarmed'));
    },
  );

  it('plans nothing on a converged host', async () => {
    const s = scenario(WEB, { 'org/web:1': {} });
    await deploy(s, { web: 'org/web:1' });
    const input = planInput({
      compose: WEB,
      versions: { web: 'org/web:1' },
      actual: s.engine.actual(),
      ledger: s.agent.ledger,
      more: { nowMs: s.engine.now() },
    });
    expect(foreseen(input)).toEqual([]);
  });

  it('goes on from a tag whose digest nobody has asked for yet', () => {
    const input = planInput({ compose: WEB, versions: { web: 'org/web:1' }, published: { tagsOnly: true } });
    expect(foreseen(input)).toEqual([
      'resolve-tag org/web:1',
      'pull org/web:1',
      'create-network test_default',
      'create web 1',
      'start web 1',
      'remember web 1',
    ]);
  });

  it('ends where only somebody else can go on', () => {
    const compose = 'services: {web: {image: org/web, networks: [x]}}\nnetworks: {x: {external: true}}';
    const { now, steps } = dryRun(planInput({ compose, versions: { web: 'org/web:1' } }));
    expect(stepsOf(now)).toHaveLength(1);
    expect(steps.map((s) => s.action.kind)).toEqual(['pull']);
  });
});
