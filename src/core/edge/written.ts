import type { EdgeServerSeen } from './model.ts';

/** The servers that a rendered file names, by backend and name: no container of them may be stopped. */
export const serversIn = (text: string): readonly Pick<EdgeServerSeen, 'backend' | 'name'>[] => {
  let backend = '';
  return text.split('\n').flatMap((line) => {
    const [, title] = /^backend (\S+)$/.exec(line) ?? [];
    if (title !== undefined) backend = title;
    const [, name] = /^ {2}server (\S+) /.exec(line) ?? [];
    return name === undefined ? [] : [{ backend, name }];
  });
};
