import { describe, expect, it } from 'vitest';
import {
  mapLines,
  checkedMapLines,
  readMap,
  sameMap,
  type HealthAnswers,
  type HealthMap,
} from '../../../../src/core/edge/health-answer.ts';

const mapOf = (answers: HealthAnswers, ...counted: readonly string[]): HealthMap => ({ answers, counted });
const answer = (reason: string, isUp = true): HealthAnswers[string] => ({ isUp, sinceMs: 1_764, reason });

describe('the answers of the health endpoint', () => {
  it('are lines of a path and a word, and can be read back', () => {
    const answers = { web: answer('draining: 100% "für" {kernel};\n<<x', false), '': answer('') };
    const map = mapOf(answers, 'check:any:80', 'check:fd00::1:80', 'web:8888');
    expect(mapLines(map)).toEqual([
      '/ 200:1764:',
      '/web 503:1764:draining%3A%20100%25%20%22f%C3%BCr%22%20%7Bkernel%7D%3B%0A%3C%3Cx',
      'check:any:80 counted',
      'check:fd00::1:80 counted',
      'web:8888 counted',
    ]);
    expect(readMap(mapLines(map))).toEqual(map);
    expect(sameMap(readMap(mapLines(map)), map)).toBe(true);
  });

  it('differ by each of their parts', () => {
    const one = { web: answer('up') };
    const others = [{}, { api: answer('up') }, { web: answer('on') }, { web: answer('up', false) }];
    expect(others.map((other) => sameMap(mapOf(one), mapOf(other)))).toEqual([false, false, false, false]);
    expect(sameMap(mapOf(one), mapOf(one, 'web:1'))).toBe(false);
    expect(sameMap(mapOf(one), mapOf({ web: { ...answer('up'), sinceMs: 1 } }))).toBe(false);
  });

  it('are read from lines that were damaged, and written again', () => {
    const seen = readMap(['/web 503:1764:100%', '/api 200:x:up', 'web 200:1:up', '', '/db 200:1764:%ff']);
    expect(seen).toEqual(mapOf({ web: answer('100%', false), db: answer('%ff') }));
    expect(sameMap(seen, mapOf({ web: answer('', false), db: answer('') }))).toBe(false);
  });

  it('can have a reason that is no whole text', () => {
    expect(mapLines(mapOf({ web: answer('\uD800') }))).toEqual(['/web 200:1764:%EF%BF%BD']);
  });

  it.each<[string, HealthAnswers, string?]>([
    ['is not a valid backend name', {}, 'web:1 counted\n/web'],
    ['is not a valid service name', { 'web 200:1:up\n/api': answer('up') }],
    ['is not a valid service name', { 'web;quit': answer('up') }],
    ['is not a valid time', { web: { ...answer('up'), sinceMs: 0.5 } }],
  ])('are refused: %s', (message, answers, counted = 'web:1') => {
    expect(() => checkedMapLines(mapOf(answers, counted))).toThrow(
      expect.objectContaining({ code: 'EDGE', message: expect.stringContaining(message) as string }),
    );
  });
});
