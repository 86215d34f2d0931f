import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseEnvironmentFile } from '../../../src/config/environment-file.ts';

describe('an environment file is read as systemd reads it', () => {
  // What systemd 252 made of each text; test/host compares with the real one.
  it.each<readonly [string, string, Readonly<Record<string, string>>]>([
    ['a plain value', 'A=b\n', { A: 'b' }],
    ['no line break at the end', 'A=b', { A: 'b' }],
    ['blanks around', '  A = b c \t\nB=1', { A: 'b c', B: '1' }],
    ['an empty value', 'A=\nB=1\n', { A: '', B: '1' }],
    ['comments of both kinds', '# A=1\n; B=2\nC=3\n', { C: '3' }],
    ['a hash in a value, which is no comment', 'A=b # c\n', { A: 'b # c' }],
    ['single quotes', "A='b  c'\n", { A: 'b  c' }],
    ['double quotes', 'A="b; c"\n', { A: 'b; c' }],
    ['nothing that is expanded', 'A="$B ${C}"\n', { A: '$B ${C}' }],
    ['escapes in double quotes', 'A="\\"\\\\\\`\\$\\n"\n', { A: '"\\`$\\n' }],
    ['no escapes in single quotes', "A='\\n'\n", { A: '\\n' }],
    ['a quoted value over two lines', 'A="b\nc"\nB=1\n', { A: 'b\nc', B: '1' }],
    ['a line that is continued', 'A=b\\\nc\nB=1\n', { A: 'bc', B: '1' }],
    ['a backslash before a character', 'A=b\\c\n', { A: 'bc' }],
    ['quotes that are joined', 'A="b" \'c\'d\n', { A: 'bcd' }],
    ['a quote inside a value', "A=it's\n", { A: "it's" }],
    ['an equals sign in a value', 'A=b=c\n', { A: 'b=c' }],
    ['the last one of two', 'A=1\nA=2\n', { A: '2' }],
    ['lines that assign nothing', 'hello\n\nexport A=1\n=3\n2B=1\nB=1\n', { B: '1' }],
    ['a quote that never ends', 'A="b\nB=1', { A: 'b\nB=1' }],
    ['Windows line ends', 'A=b\r\nB=1\r\n', { A: 'b', B: '1' }],
    ['nothing', '', {}],
  ])('%s', (_, text, variables) => {
    expect(parseEnvironmentFile(text)).toEqual(variables);
  });

  it('the shipped example has only what must be set', () => {
    const text = readFileSync(new URL('../../../systemd/agent.env.example', import.meta.url), 'utf8');
    expect(parseEnvironmentFile(text)).toEqual({
      SUPERCARGO_ENVIRONMENT: 'staging',
      SUPERCARGO_MANIFEST_URL: 'https://deploy.example.com/manifests/staging.json',
    });
  });
});
