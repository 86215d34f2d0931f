import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { openScene, type Scene } from '../support/scene.ts';
import type { Suite } from '../support/suites.ts';
import { deploying } from './deploy.ts';
import { suffering } from './faults.ts';
import { installing } from './install.ts';
import { operating } from './operate.ts';
import { removing } from './remove.ts';

/** The making of a base, where there is none, and the first boot. */
const SETUP_LIMIT_MS = 600_000;

/** A day of a host from the bare machine to the purged package. Each part begins where the one before ended. */
export const operatorsDay = (suite: Suite): void => {
  describe(`a ${suite.name} host with Docker ${suite.engine}`, () => {
    let opened: Scene | undefined;
    const scene = (): Scene => {
      if (!opened) throw new Error('the host did not come up');
      return opened;
    };
    let failed: string | undefined;
    // Nothing after it would mean anything, and everything would wait for its deadline.
    beforeEach(() => {
      if (failed !== undefined) throw new Error(`the day ended early: "${failed}"`);
    });
    afterEach(({ task }) => {
      if (task.result?.state === 'fail') failed ??= task.name;
    });
    beforeAll(async () => {
      opened = await openScene(suite, inject('share'));
    }, SETUP_LIMIT_MS);
    afterAll(async () => opened?.close());

    it('has the engine that it is there for', async () => {
      const answer = await scene().host.shell(
        "docker version --format '{{.Server.Version}} {{.Server.APIVersion}}'",
      );
      expect(answer).toMatch(new RegExp(`^${suite.engine}\\..* ${suite.api}$`));
    });

    installing(scene);
    deploying(scene);
    operating(scene);
    suffering(scene);
    removing(scene);
  });
};
