import { readFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hubOrder } from '../../src/core/fleet/hub-order.ts';
import { createScene, told } from '../engine/scenarios/scene.ts';
import { eventually } from '../support/poll.ts';
import { createTlsHubs } from '../support/tls-hub.ts';
import { isWhole } from './moments.ts';

const HOST = 'test-host';

describe('a host with two hubs', () => {
  it.runIf(isWhole)(
    "'hub-dies' (SIGKILL): the next publish comes from the other one, and the host returns",
    async () => {
      const hubs = await createTlsHubs();
      onTestFinished(hubs.remove);
      const [one, other] = [await hubs.start(), await hubs.start()];
      const [preferred] = hubOrder(HOST, [one.url, other.url]);
      const [first, second] = preferred === one.url ? [one, other] : [other, one];
      const scene = await createScene();
      const { environment } = scene;
      const path = `manifests/${environment}.json`;
      const env = {
        SUPERCARGO_MANIFEST_URL: `${one.url}/${path}, ${other.url}/${path}`,
        SUPERCARGO_REPORT_URL: `${one.url} ${other.url}`,
        SUPERCARGO_REPORT_TOKEN: hubs.tokenOf(environment, HOST),
        SUPERCARGO_CA: hubs.caFile,
        // What a poll would find out, a held one has to: there is none while the test runs.
        SUPERCARGO_POLL: '0 0 0 1 1 *',
      };
      const publish = async (version: string, ...to: readonly (typeof first)[]): Promise<void> => {
        await scene.publish({ web: (await scene.push(version)).pinned });
        const text = await readFile(scene.manifestFile, 'utf8');
        for (const hub of to) expect(await hub.put(path, text)).toBeLessThan(300);
      };
      const runs = async (version: string, hub: typeof first, deadlineMs: number): Promise<void> => {
        const isReported = async (): Promise<boolean> => {
          const status = await hub.report(environment, HOST);
          return status?.outcome === 'converged' && status.services[0]?.desired?.version === version;
        };
        await eventually(isReported, {
          deadlineMs,
          everyMs: 100,
          describe: async () =>
            `${version} is reported to ${hub.url}\n${told(await scene.run(['status'], { env }))}`,
        });
      };
      await scene.compose(scene.web());
      await publish('1.0.0', first, second);
      const agent = await scene.agent({ env });
      await runs('1.0.0', first, 60_000);

      await first.kill();
      await publish('2.0.0', second);
      await runs('2.0.0', second, 60_000);
      expect(await agent.log()).toContain('"hub.lost"');

      await first.start();
      await publish('3.0.0', first);
      await runs('3.0.0', first, 240_000);
      expect(await agent.log()).toContain('"hub.reached"');
      expect((await scene.run(['doctor'], { env })).stdout).toContain(`hub: ${second.url}/${path}`);
    },
    600_000,
  );
});
