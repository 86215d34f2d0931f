import { describe, expect, it } from 'vitest';
import { formatProblem, formatProblems } from '../../../../src/core/manifest/schema-problem.ts';

const problem = (path: string) => ({ path, message: 'is missing' });

describe('problems', () => {
  it.each([
    ['a member', 'services.web', 'services.web is missing'],
    ['the whole', '', 'the document is missing'],
  ])('name %s', (_, path, text) => {
    expect(formatProblem(problem(path))).toBe(text);
  });

  it.each([
    ['one', ['a'], 'a is missing'],
    ['three', ['a', 'b', 'c'], 'a is missing; b is missing; c is missing'],
    ['more', ['a', 'b', 'c', 'd', 'e'], 'a is missing; b is missing; c is missing; and 2 more'],
  ])('fit into one sentence: %s', (_, paths, text) => {
    expect(formatProblems(paths.map(problem))).toBe(text);
  });
});
