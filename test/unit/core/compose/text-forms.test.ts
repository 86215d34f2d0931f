import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../../src/core/compose/canonical.ts';
import { parseDotenv } from '../../../../src/core/compose/dotenv.ts';
import { interpolate } from '../../../../src/core/compose/interpolate.ts';
import { canonicalIp, canonicalSubnet, subnetsOverlap } from '../../../../src/core/compose/ip.ts';
import { formatProblem } from '../../../../src/core/compose/compose-problem.ts';
import { parseBytes } from '../../../../src/core/compose/quantity.ts';
import { splitWords } from '../../../../src/core/compose/split-words.ts';

const variables = new Map([
  ['A', 'one'],
  ['EMPTY', ''],
]);
const lookup = (name: string): string | undefined => variables.get(name);

describe('interpolation', () => {
  it.each([
    ['plain', 'plain'],
    ['$A', 'one'],
    ['<${A}>', '<one>'],
    ['$A.$A', 'one.one'],
    ['$$A', '$A'],
    ['$${A}', '${A}'],
    ['${A:-x}', 'one'],
    ['${EMPTY:-x}', 'x'],
    ['${EMPTY-x}', ''],
    ['${NONE-x}', 'x'],
    ['${NONE:-}', ''],
    ['${NONE:-${A}}', 'one'],
    ['${NONE:-${OTHER:-deep}}!', 'deep!'],
    ['${NONE:-{"a":{}}}', '{"a":{}}'],
    ['${A:+other}', 'other'],
    ['${EMPTY:+other}', ''],
    ['${EMPTY+other}', 'other'],
    ['${NONE+other}', ''],
    ['${A:?needed}', 'one'],
    ['${EMPTY?needed}', ''],
    ['${A:-${NEVER}}', 'one'],
  ])('of %s gives %s', (template, text) => {
    expect(interpolate(template, lookup)).toEqual({ kind: 'ok', text });
  });

  it.each([
    ['${NONE}', { kind: 'unset', name: 'NONE' }],
    ['$NONE', { kind: 'unset', name: 'NONE' }],
    ['${NONE:-${OTHER}}', { kind: 'unset', name: 'OTHER' }],
    ['${NONE:?say why}', { kind: 'required', name: 'NONE', message: 'say why' }],
    ['${EMPTY:?say why}', { kind: 'required', name: 'EMPTY', message: 'say why' }],
    ['a $ b', { kind: 'invalid' }],
    ['${A', { kind: 'invalid' }],
    ['${A!x}', { kind: 'invalid' }],
    ['${1}', { kind: 'invalid' }],
    ['end$', { kind: 'invalid' }],
  ])('of %s is a fault', (template, fault) => {
    expect(interpolate(template, lookup)).toEqual(fault);
  });
});

describe('a dotenv file', () => {
  it.each([
    ['A=1\nB=2', { A: '1', B: '2' }],
    ['# note\n\nexport A=1 # why\r\n', { A: '1' }],
    ['A=a#b', { A: 'a#b' }],
    ['A=#b', { A: '#b' }],
    ['A= #b', { A: '#b' }],
    ['A=##b #c', { A: '##b' }],
    ['A=#', { A: '#' }],
    ['A=a #b', { A: 'a' }],
    ['A=a\t#b', { A: 'a' }],
    ['A=a #b #c', { A: 'a' }],
    ['A="#b"', { A: '#b' }],
    ["A='#b' # c", { A: '#b' }],
    [' #A=b', {}],
    ['A=', { A: '' }],
    ["A='$X ${Y} # \\'q\\''", { A: "$X ${Y} # 'q'" }],
    ['A="a\\nb \\"q\\" \\$X" # c', { A: 'a\nb "q" $X' }],
    ['A="one\ntwo"\nB=3', { A: 'one\ntwo', B: '3' }],
    ['A=x\nB=${A}y', { A: 'x', B: 'xy' }],
    ['B=${OUT}', { B: 'from outside' }],
    ['OUT\nMISSING', { OUT: 'from outside' }],
    ['A=1\nA=2', { A: '2' }],
    ['A=pa$$word', { A: 'pa$word' }],
    ['\uFEFFA=1', { A: '1' }],
  ])('%j is read as %j', (text, values) => {
    const parsed = parseDotenv(text, (name) => (name === 'OUT' ? 'from outside' : undefined));
    expect([Object.fromEntries(parsed.values), parsed.faults]).toEqual([values, []]);
  });

  it.each([
    ['A=1\n-x', 2, '', 'is not NAME=value'],
    ["A='x", 1, 'A', 'the quotes do not match'],
    ['A="x" y', 1, 'A', 'the quotes do not match'],
    ['\nA=$NONE', 2, 'A', 'names a variable that is not set'],
  ])('%j is a fault in line %i', (text, line, name, message) => {
    const { faults } = parseDotenv(text, () => undefined);
    expect(faults.map((fault) => [fault.line, fault.name, fault.message])).toEqual([[line, name, message]]);
  });
});

describe('quantities', () => {
  it.each([
    ['1024', 1024],
    ['1b', 1],
    ['64k', 65_536],
    ['512m', 536_870_912],
    ['1gb', 1_073_741_824],
    ['1GiB', 1_073_741_824],
    ['1.5G', 1_610_612_736],
    ['m', undefined],
    ['-1', undefined],
    ['1x', undefined],
    ['9999999999t', undefined],
  ])('size %s is %s bytes', (text, size) => {
    expect(parseBytes(text)).toBe(size);
  });
});

describe('a command line', () => {
  it.each([
    ['nginx -g "daemon off;"', ['nginx', '-g', 'daemon off;']],
    ["sh -c 'a && b'", ['sh', '-c', 'a && b']],
    ['a\\ b  c', ['a b', 'c']],
    ['""', ['']],
    ['a\'b\'"c"', ['abc']],
    ["'\\n'", ['\\n']],
    ['a\\;b', ['a;b']],
    ['"a\\"b\\\\c"', ['a"b\\c']],
    ['', []],
    ['   ', []],
  ])('%s is split into %j', (line, words) => {
    expect(splitWords(line)).toEqual({ kind: 'ok', words });
  });

  it.each(['a && b', 'a | b', 'a > b', 'echo $(x)', 'echo `x`', "a 'b", 'a "b', 'a\\', 'a\\nb', '"a\\nb"'])(
    '%s is a fault',
    (line) => {
      expect(splitWords(line).kind).toBe('fault');
    },
  );
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['256.0.0.1', undefined],
    ['1.2.3', undefined],
    ['01.2.3.4', undefined],
    ['[::1]', '::1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['localhost', undefined],
    ['::g', undefined],
  ])('%s is %s', (text, ip) => {
    expect(canonicalIp(text)).toBe(ip);
  });

  it.each([
    ['172.30.0.0/16', '172.30.0.0/16'],
    ['172.30.0.0/33', undefined],
    ['FD00::/08', 'fd00::/8'],
    ['172.30.0.0', undefined],
  ])('subnet %s is %s', (text, subnet) => {
    expect(canonicalSubnet(text)).toBe(subnet);
  });

  it.each([
    ['10.1.0.0/16', '10.1.9.0/24', true],
    ['10.1.0.0/16', '10.2.0.0/16', false],
    ['10.1.9.0/25', '10.1.9.128/25', false],
    ['0.0.0.0/0', '10.1.0.0/16', true],
    ['fd00:9::/48', 'fd00:9:0:1::/64', true],
    ['fd00:9::/48', 'fd00:a::/48', false],
    ['::1/128', '::/0', true],
    ['0.0.0.0/0', '::/0', false],
  ])('subnets %s and %s overlap: %s', (a, b, expected) => {
    expect([subnetsOverlap(a, b), subnetsOverlap(b, a)]).toEqual([expected, expected]);
  });
});

describe('canonical JSON', () => {
  it('sorts keys at every depth, keeps lists, and leaves out what is undefined', () => {
    expect(canonicalJson({ b: [{ d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[{"d":1}]}');
  });
});

describe('a problem', () => {
  it('is written as a place that editors can open, and its advice', () => {
    const problem = {
      file: '/c.yaml',
      line: 3,
      column: 5,
      path: 'services.web',
      message: 'is wrong',
      advice: 'mend it',
    };
    expect(formatProblem(problem)).toBe('/c.yaml:3:5: services.web: is wrong\n    → mend it');
  });

  it('needs neither column nor path', () => {
    expect(
      formatProblem({ file: '/c.yaml', line: 1, path: '', message: 'is wrong', advice: 'mend it' }),
    ).toBe('/c.yaml:1: is wrong\n    → mend it');
  });
});
