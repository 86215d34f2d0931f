import { untilAnswers } from '../../support/answer.ts';
import { flavours } from '../../support/flavours.ts';
import { runForeign } from '../../support/foreign.ts';
import { pullImage } from '../../support/images.ts';
import type { Scene } from './scene.ts';

/** What `docker run --publish P:8888 --name NAME --restart=always --env NODE_ENV=staging` of the old tool left here. */
export const oldDeploy = async (scene: Scene) => {
  const image = await scene.push('0.9.0', flavours.web);
  await pullImage(scene.docker, image.ref);
  const name = `${scene.environment}-old`;
  const container = await runForeign(scene.docker, scene.environment, {
    name,
    image: image.ref,
    ports: { '8888/tcp': scene.port },
    environment: ['NODE_ENV=staging'],
    restart: 'always',
  });
  await untilAnswers(scene.port, '0.9.0');
  await scene.compose(
    scene.web([
      scene.ports,
      'environment: {NODE_ENV: staging}',
      `x-supercargo: {healthy-within: 60s, replaces: ${name}}`,
    ]),
  );
  return { name, container, image };
};
