import { expect, it } from 'vitest';
import { differencesFrom } from '../../../../src/core/plan/container-drift.ts';
import type { ProcessFacts } from '../../../../src/core/state/actual.ts';
import { deployed } from './scenario.ts';

const EMPTY_WORD = [''];

/** What differs where the engine gives back this entrypoint. */
const differences = async (
  declared: readonly string[] | undefined,
  ofImage: readonly string[],
  entrypoint: readonly string[] = [],
): Promise<readonly string[]> => {
  const s = await deployed();
  const [container] = s.engine.actual().containers;
  const release = s.agent.ledger.services['web']?.good[0]?.release;
  if (!container?.detail || !release) throw new Error('no container of a good release');
  const process: ProcessFacts = {
    entrypoint,
    command: ['/serve'],
    environment: release.spec.container.environment,
  };
  const facts = {
    process,
    networkMode: 'bridge',
    mounts: [],
    image: { entrypoint: ofImage, command: ['/serve'], environment: {} },
  };
  const { entrypoint: _entrypoint, ...others } = release.spec.container;
  const spec = { ...others, ...(declared && { entrypoint: declared }), command: ['/serve'], mounts: [] };
  return differencesFrom(
    { ...container, detail: { ...container.detail, facts } },
    { release: { ...release, spec: { ...release.spec, container: spec } }, imageIds: [] },
  );
};

it('takes an entrypoint of one empty word for none, as engines do: of the compose file and of the image', async () => {
  expect(await differences(EMPTY_WORD, ['/entry'])).toEqual([]);
  expect(await differences(undefined, EMPTY_WORD)).toEqual([]);
  expect(await differences(undefined, ['/entry'])).toEqual(['entrypoint']);
});

it('sees an entrypoint that another program gave a container whose release has none', async () => {
  expect(await differences(undefined, [], ['/other'])).toEqual(['entrypoint']);
  expect(await differences(undefined, EMPTY_WORD, ['/other'])).toEqual(['entrypoint']);
  expect(await differences(EMPTY_WORD, ['/entry'], ['/other'])).toEqual(['entrypoint']);
  expect(await differences(undefined, [], EMPTY_WORD)).toEqual([]);
});

it('does not judge an empty list in the compose file, which engines read differently', async () => {
  expect(await differences([], ['/entry'], ['/entry'])).toEqual([]);
  expect(await differences([], ['/entry'], [])).toEqual([]);
});
