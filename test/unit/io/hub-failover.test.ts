import { describe, expect, it } from 'vitest';
import { hubOrder } from '../../../src/core/fleet/hub-order.ts';
import {
  createHubs,
  describeFailures,
  retryAfterOf,
  type HubAnswer,
  type HubList,
} from '../../../src/io/hub-failover.ts';

const A = 'https://a.example.com/m.json';
const B = 'https://b.example.com/m.json';

const ok = (value: string): HubAnswer<string> => ({ kind: 'answered', value });
const dead: HubAnswer<string> = { kind: 'unreachable', value: 'no', reason: 'refused' };
const resting: HubAnswer<string> = {
  kind: 'failing',
  value: 'no',
  reason: 'it answered 503',
  retryAfterMs: 30_000,
};
const failing: HubAnswer<string> = { kind: 'failing', value: 'no', reason: 'it answered 503' };

/** Two hubs, the order of which the test chooses by the host's name, and a clock of its own. */
const createScene = () => {
  const clock = { ms: 0 };
  const answers: Record<string, HubAnswer<string>> = { [A]: ok('a'), [B]: ok('b') };
  const events: string[] = [];
  // This host prefers A.
  const host = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'h7', 'h8'].find(
    (name) => hubOrder(name, [A, B])[0] === A,
  );
  const hubs = createHubs({
    host: host ?? '',
    onLost: (address, reason) => events.push(`lost ${address}: ${reason}`),
    onReached: (address) => events.push(`reached ${address}`),
    elapsed: () => clock.ms,
    random: () => 0,
  });
  const ask = async (list: HubList): Promise<readonly string[]> => {
    const asked: string[] = [];
    await list.ask((address) => {
      asked.push(address);
      return Promise.resolve(answers[address] ?? dead);
    });
    return asked;
  };
  return { clock, answers, events, hubs, ask };
};

describe('the hubs of a host', () => {
  it('asks the preferred one alone while it answers', async () => {
    const { hubs, ask, events } = createScene();
    const list = hubs.list('manifest', [B, A]);
    expect([await ask(list), await ask(list)]).toEqual([[A], [A]]);
    expect(list.current()).toBe(A);
    expect(events).toEqual([]);
  });

  it('goes on at once, leaves the dead hub alone for a growing time, and returns to it', async () => {
    const { hubs, ask, clock, answers, events } = createScene();
    const list = hubs.list('manifest', [A, B]);
    answers[A] = dead;
    expect(await ask(list)).toEqual([A, B]);
    clock.ms = 4999;
    expect(await ask(list)).toEqual([B]);
    clock.ms = 5000;
    expect(await ask(list)).toEqual([A, B]);
    clock.ms = 14_999;
    expect(await ask(list)).toEqual([B]);
    answers[A] = ok('a');
    clock.ms = 15_000;
    expect(await ask(list)).toEqual([A]);
    expect(list.current()).toBe(A);
    expect(events).toEqual([`lost ${A}: refused`, `reached ${A}`]);
  });

  it('never leaves a hub alone for more than two minutes', async () => {
    const { hubs, ask, clock, answers } = createScene();
    const list = hubs.list('manifest', [A, B]);
    answers[A] = dead;
    for (let tries = 0; tries < 30; tries += 1) {
      await ask(list);
      clock.ms += 120_000;
    }
    expect(await ask(list)).toEqual([A, B]);
  });

  it('finds a dead hub once for every purpose, but a hub that fails for each', async () => {
    const { hubs, ask, answers } = createScene();
    const lists = [hubs.list('manifest', [A, B]), hubs.list('reports', [A, B])] as const;
    answers[A] = failing;
    expect([await ask(lists[0]), await ask(lists[1])]).toEqual([
      [A, B],
      [A, B],
    ]);
    const other = createScene();
    const [first, second] = [other.hubs.list('manifest', [A, B]), other.hubs.list('reports', [A, B])];
    other.answers[A] = dead;
    expect([await other.ask(first), await other.ask(second)]).toEqual([[A, B], [B]]);
  });

  it('asks them all, the one that it prefers first, while none answers', async () => {
    const { hubs, ask, answers } = createScene();
    const list = hubs.list('manifest', [A, B]);
    answers[A] = dead;
    answers[B] = dead;
    expect([await ask(list), await ask(list)]).toEqual([
      [A, B],
      [A, B],
    ]);
    answers[B] = ok('b');
    expect(await ask(list)).toEqual([A, B]);
    expect(await ask(list)).toEqual([B]);
  });

  it('does not go on where that is not wanted, and waits as long as the hub says', async () => {
    const { hubs, clock, ask, answers } = createScene();
    const list = hubs.list('manifest', [A, B]);
    expect(
      await list.ask(
        () => Promise.resolve(resting),
        () => false,
      ),
    ).toMatchObject({ kind: 'failed', failures: [{ address: A }] });
    clock.ms = 29_999;
    answers[A] = ok('a');
    expect(await ask(list)).toEqual([B]);
    clock.ms = 30_000;
    expect(await ask(list)).toEqual([A]);
  });

  it('says nothing of the only hub', async () => {
    const { hubs, ask, answers, events } = createScene();
    answers[A] = dead;
    const list = hubs.list('manifest', [A]);
    expect([await ask(list), await ask(list)]).toEqual([[A], [A]]);
    expect(events).toEqual([]);
  });

  it('names each hub with its failure, without queries and within a limit', async () => {
    const { hubs } = createScene();
    const secret = `${A}?signature=s3cret`;
    const list = hubs.list('manifest', [B, secret]);
    const answer = await list.ask((address) =>
      Promise.resolve<HubAnswer<string>>({
        kind: 'unreachable',
        value: '',
        reason: address === B ? 'refused' : 'x'.repeat(1000),
        retryAfterMs: address === B ? 5000 : 9000,
      }),
    );
    const failures = answer.kind === 'failed' ? answer.failures : [];
    expect(describeFailures(failures)).toBe(`${B}: refused; ${A}: ${'x'.repeat(159)}…`);
    expect(retryAfterOf(failures)).toEqual({ retryAfterMs: 5000 });
  });
});
