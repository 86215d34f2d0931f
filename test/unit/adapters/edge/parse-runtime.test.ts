import { describe, expect, it } from 'vitest';
import {
  checkOf,
  parseInfo,
  parseProcesses,
  parseServersState,
  parseStat,
} from '../../../../src/adapters/edge/parse-runtime.ts';

const lines = (...text: readonly string[]): string => `${text.join('\n')}\n\n`;

const PROCESSES = lines(
  '#<PID>          <type>          <reloads>       <uptime>        <version>      ',
  '1162            master          5 [failed: 0]   0d00h02m07s     2.6.12         ',
  '# workers',
  '1271            worker          1               0d00h00m00s     2.6.12         ',
  '# old workers',
  '1233            worker          3               0d00h00m43s     2.4.2          ',
  '# programs',
  '',
);

const STATE_TITLE =
  '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port';
const stateLine = (name: string, op: number, admin: number): string =>
  `3 web:80 1 ${name} 10.0.0.2 ${op} ${admin} 1 1 1 6 3 2 6 0 0 0 - 8888 - 0 0 - - 0`;
const portless = stateLine('0123456789ab', 2, 0).replace('8888', '-');
const markless = stateLine('0123456789ab', 2, Number.NaN);

const STAT_TITLE = '# pxname,svname,qcur,scur,status,type,check_status,last_chk,mode,-,';
const stat = (...rows: readonly string[]): string => lines(STAT_TITLE, ...rows);

describe('what the runtime of an edge says', () => {
  it('names the master, and its workers before and after a reload', () => {
    expect(parseProcesses(PROCESSES)).toEqual({
      masterPid: 1162,
      workers: [
        { pid: 1271, isCurrent: true },
        { pid: 1233, isCurrent: false },
      ],
    });
  });

  it('tells its version, our two marks and whether it leaves', () => {
    const info = lines(
      'Name: HAProxy',
      'Version: 2.6.12-1+deb12u4',
      'node: staging',
      'description: 0f',
      'Stopping: 1',
    );
    expect(parseInfo(info)).toEqual({
      version: '2.6.12-1+deb12u4',
      node: 'staging',
      description: '0f',
      isStopping: true,
    });
  });

  it.each<[number, number, string, boolean]>([
    [2, 0x00, 'ready', true],
    // Was in maintenance by the file, and is no more.
    [2, 0x04, 'ready', true],
    [2, 0x08, 'drain', true],
    [0, 0x08, 'drain', false],
    [0, 0x01, 'maint', false],
    [0, 0x05, 'maint', false],
    [0, 0x09, 'maint', false],
    [0, 0x20, 'maint', false],
  ])('op state %d and admin state %d of a server mean %s', (op, admin, expected, isUp) => {
    expect(parseServersState(lines('1', STATE_TITLE, stateLine('0123456789ab', op, admin)))).toEqual([
      { backend: 'web:80', name: '0123456789ab', address: '10.0.0.2', port: 8888, admin: expected, isUp },
    ]);
  });

  it('knows no server while there is none', () => {
    expect(parseServersState(lines('1', STATE_TITLE))).toEqual([]);
  });

  it('counts current and queued sessions, and finds columns by their title', () => {
    const text = stat(
      'any:80,FRONTEND,,9,OPEN,0,,,http,,',
      '10.0.0.1:81,FRONTEND,,0,STOP,0,,,tcp,,',
      'fd00::1:82,FRONTEND,,0,OPEN,0,,,tcp,,',
      '<HTTPCLIENT>,FRONTEND,,0,OPEN,0,,,http,,',
      'web:80,0123456789ab,2,7,UP,2,L4OK,"said ""no"", twice",http,,',
      'web:80,0123456789ac,0,0,DRAIN 1/2,2,INI,,http,,',
      'web:80,0123456789ad,0,0,UP,2,* L4CON,,http,,',
      'web:80,0123456789ae,0,0,MAINT,2,,,http,,',
      'web:80,BACKEND,0,7,UP,1,,,http,,',
    );
    expect(parseStat(text)).toEqual({
      openFrontends: [
        { hostAddress: '', hostPort: 80, protocol: 'http' },
        { hostAddress: 'fd00::1', hostPort: 82, protocol: 'tcp' },
      ],
      servers: [
        { backend: 'web:80', name: '0123456789ab', sessions: 9, wasChecked: true },
        { backend: 'web:80', name: '0123456789ac', sessions: 0, wasChecked: false },
        { backend: 'web:80', name: '0123456789ad', sessions: 0, wasChecked: true },
        { backend: 'web:80', name: '0123456789ae', sessions: 0, wasChecked: false },
      ],
    });
  });

  it.each([
    [false, true, 'pending'],
    [false, false, 'pending'],
    [true, true, 'L4OK'],
    [true, false, 'down'],
  ] as const)('checked %s and up %s is %s', (wasChecked, isUp, expected) => {
    expect(checkOf(wasChecked, isUp)).toBe(expected);
  });

  it.each<[string, () => unknown]>([
    ['nothing', () => parseStat('')],
    ['the answer was cut', () => parseInfo('')],
    ['a cut title', () => parseStat(STAT_TITLE.slice(0, 20))],
    ['a cut line', () => parseServersState(`1\n${STATE_TITLE}\n3 web:80 1 01`)],
    ['another format', () => parseServersState(lines('2', STATE_TITLE))],
    ['a missing column', () => parseStat(lines('# pxname,type', 'web,2'))],
    ['a port that is no number', () => parseServersState(lines('1', STATE_TITLE, portless))],
    ['marks that are no number', () => parseServersState(lines('1', STATE_TITLE, markless))],
    ['sessions that are no number', () => parseStat(stat('web:80,a,0,x,UP,2,L4OK,,http,,'))],
    ['fewer queued than none', () => parseStat(stat('web:80,a,-1,7,UP,2,L4OK,,http,,'))],
    ['more sessions than it can count', () => parseStat(stat('web:80,a,0,4294967296,UP,2,L4OK,,http,,'))],
    ['a process that no system has', () => parseProcesses(lines(`${'9'.repeat(20)} master 5`))],
    ['no master', () => parseProcesses(lines('# workers'))],
    ['no version', () => parseInfo(lines('Name: HAProxy'))],
    ['a refusal', () => parseInfo("Can't find the target PID matching the prefix '@!9'\n")],
  ])('is an error rather than a guess: %s', (_, parse) => {
    expect(parse).toThrow(expect.objectContaining({ code: 'EDGE', retry: 'later' }));
  });
});
