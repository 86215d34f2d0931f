import { expect, it } from 'vitest';
import { createReportStore } from '../../../../src/adapters/report-store/report-store.ts';
import { hostToken } from '../../../../src/core/hub/tokens.ts';
import type { Delivery } from '../../../../src/core/ports/report-sink.ts';
import { oneHub } from '../../../support/one-hub.ts';
import { hostStatus } from '../../../support/status.ts';
import { bearer, PUBLISH, scene, SECRET } from '../../hub/scene.ts';

const PATH = '/reports/staging/web-1.json';

/** The agent's side and the hub's, together. */
it('a hub takes heartbeats for the report that it has, and asks for the whole one where it has none', async () => {
  const hub = await scene();
  const sink = createReportStore({
    hubs: oneHub(`${hub.url}${PATH}`),
    token: { kind: 'value', value: hostToken(SECRET, 'staging', 'web-1') },
    readTls: async () => Promise.resolve({}),
  });
  const sent = { whole: 0, seq: 0 };
  const send = (serial: number): Promise<Delivery> => {
    sent.seq += 1;
    const status = hostStatus({ manifest: { ...hostStatus().manifest, serial } });
    const text = (): string => {
      sent.whole += 1;
      return JSON.stringify(status);
    };
    return sink.send({ text, substance: String(serial), seq: sent.seq }, new AbortController().signal);
  };
  const wholeReports: number[] = [];
  const next = async (serial: number): Promise<void> => {
    expect(await send(serial)).toEqual({ kind: 'delivered' });
    wholeReports.push(sent.whole);
  };
  await next(1);
  await next(1);
  await next(1);
  await next(2);
  await next(2);
  await hub.remove(PATH, bearer(PUBLISH));
  await next(2);
  await next(2);
  expect(wholeReports).toEqual([1, 1, 1, 2, 2, 3, 3]);
  expect(await (await hub.get(PATH)).json()).toMatchObject({ manifest: { serial: 2 } });
});
