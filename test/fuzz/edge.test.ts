import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { observeEdge } from '../../src/adapters/edge/observe-edge.ts';
import { createRuntime } from '../../src/adapters/edge/runtime.ts';
import type { EdgeState } from '../../src/core/edge/edge-config.ts';
import { fuzzAsync, orRefused, PATIENCE_MS } from './cases.ts';
import { mangled } from './mutate.ts';

const { signal } = new AbortController();
const lines = (...text: readonly string[]): string => `${text.join('\n')}\n\n`;

const ANSWERS = {
  'show proc': lines(
    '#<PID>          <type>          <reloads>       <uptime>        <version>      ',
    '1162            master          5 [failed: 0]   0d00h02m07s     2.6.12         ',
    '# workers',
    '1271            worker          1               0d00h00m00s     2.6.12         ',
    '# old workers',
    '1233            worker          3               0d00h00m43s     2.6.12         ',
  ),
  'show info': lines('Name: HAProxy', 'Version: 2.6.12', 'node: test', 'description: 0f', 'Stopping: 0'),
  'show servers state': lines(
    '1',
    '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_port',
    '3 web:80 1 0123456789ab 10.0.0.2 2 0 1 8888',
  ),
  'show stat': lines(
    '# pxname,svname,qcur,scur,status,type,check_status,last_chk,mode,-,',
    'any:80,FRONTEND,,9,OPEN,0,,,http,,',
    'web:80,0123456789ab,2,7,UP,2,L4OK,"said ""no"", twice",http,,',
  ),
};
type Question = keyof typeof ANSWERS;

const listen = async (path: string, answer: (question: Question) => Buffer): Promise<Server> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (asked) => {
      const question = (Object.keys(ANSWERS) as Question[]).find((name) => asked.includes(name));
      socket.end(question === undefined ? '' : answer(question));
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
};

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** What is no number, or no port, where it has to be one. */
const wrongIn = ({ workers, servers, frontends, masterPid }: EdgeState): readonly unknown[] => [
  ...[masterPid, ...workers.map((w) => w.pid)].filter((pid) => !isCount(pid)),
  ...servers.filter((s) => !isCount(s.sessions) || !isCount(s.port)),
  ...frontends.filter((f) => !isCount(f.hostPort) || f.hostPort > 65_535),
];

describe('whatever the runtime of an edge answers', () => {
  it(
    'is a clear error, or a state whose numbers are numbers',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'supercargo-fuzz-'));
      const path = join(folder, 'master.sock');
      let said: Readonly<Record<Question, Buffer>>;
      const server = await listen(path, (question) => said[question]);
      onTestFinished(async () => {
        server.close();
        await rm(folder, { recursive: true });
      });
      const runtime = createRuntime({ runtimeSocket: path, masterSocket: path });
      const answerTo = (question: Question): fc.Arbitrary<Buffer> =>
        fc.oneof(fc.constant(Buffer.from(ANSWERS[question])), mangled(fc.constant(ANSWERS[question])));
      const answers = fc.record({
        'show proc': answerTo('show proc'),
        'show info': answerTo('show info'),
        'show servers state': answerTo('show servers state'),
        'show stat': answerTo('show stat'),
      });
      await fuzzAsync(answers, async (all) => {
        said = all;
        const state = await orRefused(observeEdge(runtime, signal));
        expect(state ? wrongIn(state) : []).toEqual([]);
      });
    },
    PATIENCE_MS,
  );
});
