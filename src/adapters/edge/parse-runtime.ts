import type {
  EdgeCheck,
  EdgeFrontendSeen,
  EdgeServerState,
  EdgeWorker,
} from '../../core/edge/edge-config.ts';
import { parseFrontendName } from '../../core/edge/haproxy-names.ts';
import { edgeError } from './edge-error.ts';

/** A complete `show` answer ends in an empty line; a killed worker's ends anywhere. */
const wholeLines = (command: string, answer: string): readonly string[] => {
  if (!answer.endsWith('\n\n'))
    throw edgeError(`read ${command} of the edge`, answer || 'the answer was cut');
  return answer.split('\n').filter((line) => line !== '');
};

/** HAProxy counts with 32 bits. */
const MAX_COUNT = 2 ** 32 - 1;

const countIn = (command: string, text: string): number => {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 0 && count <= MAX_COUNT) return count;
  throw edgeError(`read ${command} of the edge`, `${text} is not a count`);
};

export interface Processes {
  readonly masterPid: number;
  readonly workers: readonly EdgeWorker[];
}

/** `show proc` (9.4): PID, type, reloads, uptime, version; old workers below their own title. */
export const parseProcesses = (answer: string): Processes => {
  const what = 'show proc';
  let isCurrent = true;
  let masterPid: number | undefined;
  const workers: EdgeWorker[] = [];
  for (const line of wholeLines(what, answer)) {
    if (line.startsWith('# old workers')) isCurrent = false;
    const [, digits, type] = /^(\d+)\s+(master|worker)\b/.exec(line) ?? [];
    if (digits === undefined) continue;
    const pid = countIn(what, digits);
    if (type === 'master') masterPid = pid;
    if (type === 'worker') workers.push({ pid, isCurrent });
  }
  if (masterPid === undefined) throw edgeError(`read ${what} of the edge`, 'it names no master');
  return { masterPid, workers };
};

export interface Info {
  readonly version: string;
  readonly node: string;
  readonly description: string;
  readonly isStopping: boolean;
}

/** `show info` (9.3): `Name: value` lines. */
export const parseInfo = (answer: string): Info => {
  const pairs = wholeLines('show info', answer).map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const values = new Map(pairs);
  const version = values.get('Version');
  if (version === undefined) throw edgeError('read show info of the edge', 'it names no version');
  return {
    version,
    node: values.get('node') ?? '',
    description: values.get('description') ?? '',
    isStopping: values.get('Stopping') === '1',
  };
};

export interface ServerPlace {
  readonly backend: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly admin: EdgeServerState;
  /** False if the server is operationally stopped and gets no traffic. */
  readonly isUp: boolean;
}

/**
 * Bits of srv_admin_state (9.3, "show servers state"): forced, inherited, by name resolution; 0x04 is
 * history.
 */
const MAINT_BITS = 0x01 | 0x02 | 0x20 | 0x40;
const DRAIN_BITS = 0x08 | 0x10;
const adminOf = (bits: number): EdgeServerState => {
  if ((bits & MAINT_BITS) !== 0) return 'maint';
  return (bits & DRAIN_BITS) === 0 ? 'ready' : 'drain';
};

type Row = (column: string) => string;

const rowsOf = (
  what: string,
  header: readonly string[],
  lines: readonly (readonly string[])[],
): readonly Row[] => {
  const places = new Map(header.map((name, index) => [name, index]));
  return lines.map((cells) => (column) => {
    const cell = cells[places.get(column) ?? -1];
    if (cell === undefined) throw edgeError(`read ${what} of the edge`, `there is no column ${column}`);
    return cell;
  });
};

const splitWords = (line: string): readonly string[] => line.split(' ');

/** `show servers state`: a format version, a title of column names, one line per server. */
export const parseServersState = (answer: string): readonly ServerPlace[] => {
  const what = 'show servers state';
  const [format, title = '', ...lines] = wholeLines(what, answer);
  if (format !== '1' || !title.startsWith('# ')) throw edgeError(`read ${what} of the edge`, answer);
  return rowsOf(what, splitWords(title.slice(2)), lines.map(splitWords)).map((row) => ({
    backend: row('be_name'),
    name: row('srv_name'),
    address: row('srv_addr'),
    port: countIn(what, row('srv_port')),
    admin: adminOf(countIn(what, row('srv_admin_state'))),
    isUp: row('srv_op_state') !== '0',
  }));
};

/** Values with a comma, a quote or a space may be quoted; a quote inside is doubled. No value spans lines. */
const splitCsv = (line: string): readonly string[] =>
  line.includes('"') ? splitQuoted(line) : line.split(',');

const splitQuoted = (line: string): readonly string[] =>
  [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );

export interface ServerStat {
  readonly backend: string;
  readonly name: string;
  /** Current and queued sessions in this worker. */
  readonly sessions: number;
  readonly wasChecked: boolean;
}

export interface Stat {
  readonly servers: readonly ServerStat[];
  readonly openFrontends: readonly EdgeFrontendSeen[];
}

/** Rows of `show stat` (9.1): a frontend has type 0, a server type 2. */
const FRONTEND = '0';
const SERVER = '2';
/** check_status before the first check and in maintenance. A leading asterisk means that a check runs. */
const UNCHECKED: ReadonlySet<string> = new Set(['', 'INI', 'UNK']);

/** Leaves out frontends that are not ours; HAProxy has some of its own. */
export const parseStat = (answer: string): Stat => {
  const what = 'show stat';
  const [title = '', ...lines] = wholeLines(what, answer);
  const rows = rowsOf(what, splitCsv(title.replace(/^# /, '')), lines.map(splitCsv));
  const ofType = (type: string): readonly Row[] => rows.filter((row) => row('type') === type);
  return {
    servers: ofType(SERVER).map((row) => ({
      backend: row('pxname'),
      name: row('svname'),
      sessions: countIn(what, row('scur')) + countIn(what, row('qcur')),
      wasChecked: !UNCHECKED.has(row('check_status').replace(/^\* /, '')),
    })),
    openFrontends: ofType(FRONTEND)
      .filter((row) => row('status') === 'OPEN')
      .flatMap((row) => {
        const place = parseFrontendName(row('pxname'));
        return place ? [{ ...place, protocol: row('mode') === 'http' ? 'http' : 'tcp' }] : [];
      }),
  };
};

export const checkOf = (wasChecked: boolean, isUp: boolean): EdgeCheck => {
  if (!wasChecked) return 'pending';
  return isUp ? 'L4OK' : 'down';
};
