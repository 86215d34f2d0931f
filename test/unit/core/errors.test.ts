import { describe, expect, it } from 'vitest';
import { AgentError, messageOf, reasonOf, toAgentError } from '../../../src/core/errors.ts';

const thrownBy = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

const system = (code: string, message: string): Error => Object.assign(new Error(message), { code });

describe('the message of a foreign error', () => {
  it.each([
    ['JSON of a secret', thrownBy(() => JSON.parse('{"a": hunter2}')), 'a text that cannot be parsed'],
    [
      'an argument of Node',
      new TypeError("The argument 'path' must be a string. Received '/etc/hunter2\\x00'"),
      'The argument … must be a string. …',
    ],
    [
      'a file',
      system('ENOENT', "ENOENT: no such file or directory, open '/etc/hunter2'"),
      'ENOENT: no such file or directory, open …',
    ],
    ['a quotation that does not end', new Error('invalid value "hunter2'), 'invalid value …'],
    ['an address', new Error('cannot get http://me:hunter2@host/x'), 'cannot get http://…@host/x'],
    [
      'a certificate',
      new Error("Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list"),
      "Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list",
    ],
    ['text', 'thrown "hunter2"', 'thrown …'],
    ['one of ours', new AgentError('ENGINE', 'cannot start "web"'), 'cannot start "web"'],
  ])('quotes nothing of %s', (_, error, message) => {
    expect(messageOf(error)).toBe(message);
    expect(toAgentError(error).message).toBe(message);
  });

  it.each([
    [system('EACCES', "EACCES: permission denied, open '/hunter2'"), 'permission denied (EACCES)'],
    [
      system('ELOOP', "ELOOP: too many symbolic links encountered, stat 'x'"),
      'too many symbolic links encountered (ELOOP)',
    ],
    [system('EIO', 'odd'), 'EIO'],
    [new Error('hunter2'), 'an error without a system code'],
  ])('of a call to the system is its reason alone', (error, reason) => {
    expect(reasonOf(error)).toBe(reason);
  });
});
