import { describe, expect, it } from 'vitest';
import {
  addServer,
  closePort,
  cutSessions,
  removeServer,
  setState,
} from '../../../../src/adapters/edge/runtime-commands.ts';
import type { Runtime } from '../../../../src/adapters/edge/runtime.ts';

const never = new AbortController().signal;
const NAME = '0123456789ab';
const WORD = `web:80/${NAME}`;
const SERVER = { name: NAME, address: '10.0.0.2', port: 8888 };
const ADDED = 'New server registered.\n\n';
const EXISTS = 'Already exists a server with the same name in backend.\n\n';
const NO_SERVER = 'No such server.\n\n';
const NO_BACKEND = 'No such backend.\n';
const BUSY = 'Server still has connections attached to it, cannot remove it.\n';
const OK = '\n';
const PATIENCE = { deadlineMs: 10_000, everyMs: 1 };

const stateOf = (address: string, admin: number): string =>
  `1\n# be_name srv_name srv_addr srv_op_state srv_admin_state srv_port\nweb:80 ${NAME} ${address} 2 ${admin} 8888\n\n`;

/** Answers by the first words; the last answer of a list stays. Records what was said. */
const scripted = (
  answers: Readonly<Record<string, readonly string[]>>,
): { readonly runtime: Runtime; readonly said: string[] } => {
  const said: string[] = [];
  const left = new Map(Object.entries(answers).map(([start, list]) => [start, [...list]]));
  const answer = async (line: string): Promise<string> => {
    said.push(line);
    const [, list = []] = [...left].find(([start]) => line.startsWith(start)) ?? [];
    return Promise.resolve((list.length > 1 ? list.shift() : list[0]) ?? OK);
  };
  return {
    said,
    runtime: {
      ask: answer,
      askMaster: async (line, _, pid) => answer(pid === undefined ? line : `@!${pid} ${line}`),
    },
  };
};

const remove = async (answer: string, deadlineMs: number, signal = never): Promise<void> =>
  removeServer(scripted({ del: [answer] }).runtime, 'web:80', NAME, { deadlineMs, everyMs: 1 }, signal);

const ADD = `add server ${WORD} 10.0.0.2:8888 check inter 2s fastinter 500ms downinter 500ms rise 1 fall 5`;
const LEAD_ON = [`enable health ${WORD}`, `set server ${WORD} state drain`];

describe('a command to the edge', () => {
  it.each<[string, Readonly<Record<string, readonly string[]>>, readonly string[]]>([
    ['new', { add: [ADDED] }, [ADD, ...LEAD_ON]],
    [
      'half added',
      { add: [EXISTS], show: [stateOf('10.0.0.2', 1)] },
      [ADD, 'show servers state', ...LEAD_ON],
    ],
    ['draining', { add: [EXISTS], show: [stateOf('10.0.0.2', 8)] }, [ADD, 'show servers state']],
    ['serving', { add: [EXISTS], show: [stateOf('10.0.0.2', 0)] }, [ADD, 'show servers state']],
  ])('adds a server that is %s', async (_, answers, expected) => {
    const { runtime, said } = scripted(answers);
    await addServer(runtime, 'web:80', SERVER, never);
    expect(said).toEqual(expected);
  });

  it.each<[string, Readonly<Record<string, readonly string[]>>, RegExp]>([
    ['its backend is not there', { add: [NO_BACKEND] }, /cannot add .*: No such backend/],
    [
      'it is there with another address',
      { add: [EXISTS], show: [stateOf('10.0.0.3', 0)] },
      /exists with address 10\.0\.0\.3/,
    ],
    ['the edge does not take it', { add: ['invalid address\n'] }, /cannot add .*: invalid address/],
  ])('does not add a server where %s', async (_, answers, message) => {
    const { runtime } = scripted(answers);
    await expect(addServer(runtime, 'web:80', SERVER, never)).rejects.toMatchObject({
      code: 'EDGE',
      message: expect.stringMatching(message) as string,
    });
  });

  it('sets the state of a server that is there', async () => {
    const { runtime, said } = scripted({});
    await setState(runtime, 'web:80', NAME, 'ready', never);
    expect(said).toEqual([`set server ${WORD} state ready`]);
    const absent = scripted({ set: [NO_SERVER] }).runtime;
    await expect(setState(absent, 'web:80', NAME, 'ready', never)).rejects.toMatchObject({ code: 'EDGE' });
  });

  it('cuts the sessions in every worker, whoever of them still knows the server', async () => {
    const { runtime, said } = scripted({
      'show proc': ['1 master 0\n# workers\n7 worker 0\n# old workers\n5 worker 1\n6 worker 1\n\n'],
      '@!5': [NO_SERVER],
      '@!6': ["Can't find the target PID matching the prefix '@!6'\n"],
    });
    await cutSessions(runtime, 'web:80', NAME, never);
    const cut = `shutdown sessions server ${WORD}`;
    expect(said).toEqual(['show proc', `@!7 ${cut}`, `@!5 ${cut}`, `@!6 ${cut}`]);
  });

  it.each(['\n', 'All sockets are already disabled.\n', 'No such frontend.\n'])(
    'closes a port, whatever it was before: %j',
    async (answer) => {
      const { runtime, said } = scripted({ disable: [answer] });
      await closePort(runtime, { hostAddress: '10.0.0.1', hostPort: 80 }, never);
      expect(said).toEqual(['disable frontend 10.0.0.1:80']);
    },
  );

  it('does not take another answer for a closed port', async () => {
    const { runtime } = scripted({ disable: ['Failed to pause frontend.\n'] });
    await expect(closePort(runtime, { hostAddress: '', hostPort: 80 }, never)).rejects.toMatchObject({
      code: 'EDGE',
      message: 'cannot close any:80: Failed to pause frontend.',
    });
  });

  const MAINT = `set server ${WORD} state maint`;
  const DEL = `del server ${WORD}`;
  it.each<[string, Readonly<Record<string, readonly string[]>>, readonly string[]]>([
    ['that is idle', { del: ['Server deleted.\n'] }, [MAINT, DEL]],
    [
      'once nothing is connected any more',
      { del: [BUSY, BUSY, 'Server deleted.\n'] },
      [MAINT, DEL, DEL, DEL],
    ],
    ['that is gone', { set: [NO_SERVER] }, [MAINT]],
    ['whose backend is gone', { set: [NO_BACKEND] }, [MAINT]],
    ['that somebody else deletes meanwhile', { del: [BUSY, NO_SERVER] }, [MAINT, DEL, DEL]],
  ])('removes a server %s', async (_, answers, expected) => {
    const { runtime, said } = scripted(answers);
    await removeServer(runtime, 'web:80', NAME, PATIENCE, never);
    expect(said).toEqual(expected);
  });

  it('gives up a removal at its deadline, at another refusal, or when told to', async () => {
    await expect(remove(BUSY, 5)).rejects.toMatchObject({ code: 'EDGE', retry: 'later' });
    await expect(remove('Only servers in maintenance mode can be deleted.\n', 60_000)).rejects.toMatchObject({
      code: 'EDGE',
    });
    await expect(remove(BUSY, 60_000, AbortSignal.timeout(5))).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each([
    ['web:80', 'a; quit'],
    ['web:80/x', NAME],
    ['web 80', NAME],
  ])('says nothing about a name that is none: %s, %s', async (backend, server) => {
    const { runtime, said } = scripted({});
    await expect(setState(runtime, backend, server, 'ready', never)).rejects.toMatchObject({ code: 'EDGE' });
    expect(said).toEqual([]);
  });
});
