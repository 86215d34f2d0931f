import { describe, expect, it } from 'vitest';
import { untilAnswers } from '../../support/answer.ts';
import { flavours } from '../../support/flavours.ts';
import { oldDeploy } from './adoption-scene.ts';
import { assertCode, createScene, onlyContainer } from './scene.ts';

describe('a container that the old tool left', () => {
  it('may give its name to the new one', async () => {
    const scene = await createScene();
    const { name, container } = await oldDeploy(scene);
    const lines = [
      scene.ports,
      `container_name: ${name}`,
      `x-supercargo: {healthy-within: 60s, replaces: ${name}}`,
    ];
    await scene.compose(scene.web(lines));
    await scene.publish({ web: (await scene.push('1.0.0', flavours.crash)).pinned });
    expect((await scene.once()).code).toBe(3);
    await untilAnswers(scene.port, '0.9.0');
    expect((await container.inspect()).Name).toBe(`/${name}`);
    await scene.publish({ web: (await scene.push('1.0.1')).pinned });
    const once = await scene.once();
    assertCode(once, 0);
    expect(await onlyContainer(scene)).toMatchObject({ name, version: '1.0.1', state: 'running' });
  });
});
