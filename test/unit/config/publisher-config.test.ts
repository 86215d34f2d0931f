import { hostname, userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { readPublisherConfig } from '../../../src/config/publisher-config.ts';

describe('the build that publishes', () => {
  it.each<[string, Record<string, string>, object]>([
    [
      'Jenkins',
      { JOB_NAME: 'web/main', BUILD_NUMBER: '7', BUILD_URL: 'https://ci/web/7' },
      { name: 'web/main', build: '7', url: 'https://ci/web/7' },
    ],
    [
      'GitLab',
      { CI_PROJECT_PATH: 'org/web', CI_PIPELINE_IID: '7', CI_PIPELINE_URL: 'https://git/p/7', USER: 'root' },
      { name: 'org/web', build: '7', url: 'https://git/p/7' },
    ],
    [
      'GitHub',
      {
        GITHUB_REPOSITORY: 'org/web',
        GITHUB_RUN_NUMBER: '7',
        GITHUB_RUN_ID: '99',
        GITHUB_SERVER_URL: 'https://github.example.com',
      },
      { name: 'org/web', build: '7', url: 'https://github.example.com/org/web/actions/runs/99' },
    ],
    ['a user', { USER: 'ann' }, { name: `ann@${hostname()}`, build: undefined, url: undefined }],
    ['a user without USER', {}, { name: `${userInfo().username}@${hostname()}` }],
  ])('is that of %s', (_who, env, build) => {
    expect(readPublisherConfig(env).build).toMatchObject(build);
  });
});

describe('the caller of a command', () => {
  it.each<[string, Record<string, string>, string]>([
    ['a user', { USER: 'ann' }, `ann@${hostname()}`],
    ['a user of sudo', { USER: 'root', SUDO_USER: 'ann' }, `ann@${hostname()}`],
    ['a build', { JOB_NAME: 'web/main', BUILD_NUMBER: '7', USER: 'jenkins' }, 'web/main 7'],
    ['a build that a person started', { JOB_NAME: 'web/main', BUILD_USER: 'Ann Lee' }, 'Ann Lee'],
  ])('is that of %s', (_who, env, caller) => {
    expect(readPublisherConfig(env).caller).toBe(caller);
  });
});
