import { OPERATOR_ENTRIES } from '../../src/config/agent-variables.ts';
import { valueText } from '../../src/config/read-variables.ts';
import type { Described } from './described.ts';
import type { Release } from './release.ts';

/** A dash is a minus, which can be copied; a dot at the start of a line would be a request (groff_man(7)). */
const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&');

const bold = (text: string): string => `\\fB${escaped(text)}\\fR`;
const item = (term: string, text: string): string => `.TP\n${bold(term)}\n${escaped(text)}`;
const verbatim = (text: string): string => `.PP\n.nf\n${escaped(text)}\n.fi`;
const section = (title: string, ...parts: readonly string[]): string => [`.SH ${title}`, ...parts].join('\n');

const commandSection = ({ name, usage, description, options, more }: Described): string =>
  [
    `.SS ${bold(name)}`,
    escaped(usage),
    `.PP\n${escaped(description)}`,
    ...options.map(({ term, description: text }) => item(term, text)),
    ...(more === '' ? [] : [verbatim(more)]),
  ].join('\n');

const FILES: readonly (readonly [path: string, what: string])[] = [
  [
    '/etc/supercargo/agent.env',
    'the variables of the agent; the example is in /usr/share/doc/supercargo/examples',
  ],
  ['/etc/supercargo/compose.yaml, /etc/supercargo/compose.d/*.yaml', 'what runs on this host, and how'],
  ['/etc/supercargo/trust.json', 'whose signature makes a manifest acceptable'],
  ['/etc/supercargo/NAME/', 'the same files of the instance NAME, supercargo@NAME.service'],
  [
    '/etc/credstore/supercargo.manifest-credentials, .report-token, .docker-config',
    'credentials that systemd hands over',
  ],
  ['/var/lib/supercargo', 'the ledger and the history'],
  ['/run/supercargo/agent.sock', 'where the agent answers'],
];

/** supercargo(1), of what the argument parser and the table of variables say. */
export const renderManual = (
  [program, ...commands]: readonly [Described, ...Described[]],
  { version, date }: Release,
): string =>
  `${[
    `.TH SUPERCARGO 1 "${date.toISOString().slice(0, 10)}" "supercargo ${version}" "User Commands"`,
    section('NAME', 'supercargo \\- keep a Docker host at its desired versions'),
    section(
      'SYNOPSIS',
      `.B supercargo\n[\\fB\\-\\-instance\\fR \\fINAME\\fR] \\fICOMMAND\\fR [\\fIOPTION\\fR...]`,
    ),
    section('DESCRIPTION', escaped(program.description), verbatim(program.more)),
    section('OPTIONS', ...program.options.map(({ term, description }) => item(term, description))),
    section('COMMANDS', ...commands.map(commandSection)),
    section(
      'ENVIRONMENT',
      ...OPERATOR_ENTRIES.map(([name, variable]) => item(name, `${variable.effect} ${valueText(variable)}`)),
    ),
    section('FILES', ...FILES.map(([path, what]) => item(path, what))),
    section('SEE ALSO', '.BR systemctl (1),\n.BR journalctl (1),\n.BR docker (1)'),
  ].join('\n')}\n`;
