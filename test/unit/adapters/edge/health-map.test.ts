import { describe, expect, it } from 'vitest';
import { parseAnswers, setAnswers } from '../../../../src/adapters/edge/health-map.ts';
import type { Runtime } from '../../../../src/adapters/edge/runtime.ts';

const never = new AbortController().signal;
const MAP = '/edge/config/health.map';
const UNKNOWN = 'Unknown map identifier. Please use #<id> or <file>.\n\n';
const UP = { isUp: true, sinceMs: 5, reason: 'up' };
const ANSWERS = {
  answers: { web: UP, '': { isUp: false, sinceMs: 6, reason: 'draining: kernel' } },
  counted: ['web:1'],
};
const SHOWN = '0x561b / 503:6:draining%3A%20kernel\n0x561c /web 200:5:up\n0x561d web:1 counted\n\n';

/** Answers by the first word; records the commands. */
const scripted = (
  answers: Readonly<Record<string, string>>,
): { readonly runtime: Runtime; readonly said: readonly string[] } => {
  const said: string[] = [];
  const ask = async (command: string): Promise<string> => {
    said.push(command);
    return Promise.resolve(answers[command.split(' ')[0] ?? ''] ?? '\n');
  };
  return { said, runtime: { ask, askMaster: ask } };
};

describe('the map of a running edge', () => {
  it.each([
    ['answers', SHOWN, ANSWERS],
    ['nothing', '\n', { answers: {}, counted: [] }],
    ['lines of others', '0x1 /x y\n0x2 /web 200:5:up\n\n', { answers: { web: UP }, counted: [] }],
    ['that there is none', UNKNOWN, undefined],
  ])('says %s', (_, shown, expected) => {
    expect(parseAnswers(shown)).toEqual(expected);
  });

  it.each([[''], ['0x561b /web 200:5:up'], ["Can't find the target PID matching the prefix '@!9'\n"]])(
    'is an error rather than a guess: %j',
    (shown) => {
      expect(() => parseAnswers(shown)).toThrow(expect.objectContaining({ code: 'EDGE', retry: 'later' }));
    },
  );

  it('changes as a whole', async () => {
    const { runtime, said } = scripted({ prepare: 'New version created: 7\n\n' });
    await setAnswers(runtime, ANSWERS, never);
    expect(said).toEqual([
      `show map ${MAP}`,
      `prepare map ${MAP}`,
      `add map @7 ${MAP} / 503:6:draining%3A%20kernel`,
      `add map @7 ${MAP} /web 200:5:up`,
      `add map @7 ${MAP} web:1 counted`,
      `commit map @7 ${MAP}`,
    ]);
  });

  it.each([
    ['that already answers so', SHOWN],
    ['without the endpoint', UNKNOWN],
  ])('stays as it is in an edge %s', async (_, show) => {
    const { runtime, said } = scripted({ show });
    await setAnswers(runtime, ANSWERS, never);
    expect(said).toEqual([`show map ${MAP}`]);
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['prepare', { prepare: 'Permission denied\n\n' }],
    ['add', { prepare: 'New version created: 1\n\n', add: 'Out of memory error.\n\n' }],
    ['commit', { prepare: 'New version created: 1\n\n', commit: 'Version number out of range.\n\n' }],
  ])('is not changed if the edge refuses to %s', async (_, answers) => {
    await expect(setAnswers(scripted(answers).runtime, ANSWERS, never)).rejects.toMatchObject({
      code: 'EDGE',
      retry: 'later',
    });
  });
});
