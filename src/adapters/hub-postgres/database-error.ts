import { AgentError, messageOf } from '../../core/errors.ts';

type Kind = readonly [message: string, advice: string, retry?: 'changed'];

const SCHEMA_ADVICE =
  'as the owner of the database run: supercargo hub schema --store … --role ROLE, with the role of the hub';

/** By SQLSTATE (appendix A of PostgreSQL's manual) or its class, or by the code of Node or of the driver. */
const KINDS: Readonly<Record<string, Kind>> = {
  '25006': ['the database is read-only', 'wait for the new primary; the hub looks for it'],
  '08P01': [
    'the database refuses how the hub talks to it',
    'connect the hub to PostgreSQL itself, not to a pooler',
    'changed',
  ],
  '28P01': [
    'the database refuses the password of the hub’s role',
    'correct SUPERCARGO_HUB_STORE_PASSWORD, or SUPERCARGO_HUB_STORE_PASSWORD_FILE',
    'changed',
  ],
  '28': [
    'the database does not let the hub’s role in',
    'let it in from this address in pg_hba.conf, over TLS if the address of the store asks for it',
    'changed',
  ],
  '3D000': ['there is no database of that name', 'create it, or correct --store', 'changed'],
  '42501': ['the hub’s role lacks a right', SCHEMA_ADVICE, 'changed'],
  '42704': ['the database has no such role', 'make it first: create role NAME login', 'changed'],
  '3F': ['the tables of the hub are missing', SCHEMA_ADVICE, 'changed'],
  '42P01': ['a table of the hub is missing', SCHEMA_ADVICE, 'changed'],
  '42703': ['a column of the hub’s tables is missing', SCHEMA_ADVICE, 'changed'],
  '0A': ['the tables have just changed', 'nothing is to be done: it is tried again'],
  '53100': ['the disk of the database is full', 'free some space on it'],
  '53300': ['the database has no connection left', 'raise max_connections: a hub uses up to 9'],
  '40': ['the database had to break off', 'nothing is to be done: it is tried again'],
  '55P03': ['the database waits for a lock', 'look into pg_stat_activity for what holds it'],
  '57014': ['the database is too slow', 'look into its load, and whether a synchronous standby is missing'],
  '57P03': ['the database starts', 'wait until it has started'],
  '57': ['the database ends', 'wait until it runs again, or another one is primary'],
};

const AWAY: Kind = [
  'the connection to the database broke off',
  'check that PostgreSQL runs; the hub connects again by itself',
];

/** Of Node, the driver or the server (SQLSTATE); empty if there is none. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

const isState = (code: string): boolean => /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code);

const kindOf = (code: string): Kind | undefined => {
  if (!isState(code)) return code === '' ? undefined : AWAY;
  return KINDS[code] ?? KINDS[code.slice(0, 2)] ?? (code.startsWith('08') ? AWAY : undefined);
};

/** Names neither values nor parameters, which errors of the driver carry. */
export const databaseError = (error: unknown): AgentError => {
  if (error instanceof AgentError) return error;
  const code = codeOf(error);
  const [message, advice, retry = 'later'] = kindOf(code) ?? [
    `the database fails: ${messageOf(error)}`,
    'look into the log of the database',
    'changed',
  ];
  return new AgentError('STORE', message, { advice, retry, ...(code !== '' && { fields: { code } }) });
};

export const tooLate = (ms: number): AgentError =>
  new AgentError('STORE', `the database does not answer within ${String(ms / 1000)} s`, {
    advice: 'look into its load, the network, and whether a synchronous standby is missing',
    retry: 'later',
  });
