import { SECTIONS } from './agent-variables.ts';
import { presetOf, valueText, type Variable, type Variables } from './read-variables.ts';

const HEAD = `# Configuration of the supercargo agent: copy to /etc/supercargo/agent.env and edit.
# The form is that of systemd's EnvironmentFile=: NAME=value, no "export", no \${…}.
# A line that starts with "#NAME=" shows an unset variable. After a change: systemctl reload supercargo
`;

/** Quotes values that a shell would split or expand, so that a script can source the file too. */
const quoted = (value: string): string => (/[\s;*]/.test(value) ? `"${value}"` : value);

const wrapped = (text: string): string => {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 98) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `# ${line}`).join('\n');
};

const paragraph = (name: string, variable: Variable): string =>
  [
    wrapped(variable.effect),
    wrapped(valueText(variable)),
    `${presetOf(variable) === undefined ? '' : '#'}${name}=${quoted(variable.example)}`,
  ].join('\n');

/** The text of `systemd/agent.env.example`: every variable that an operator may set. */
export const renderExample = (): string => {
  const sections = Object.entries<Variables>(SECTIONS).map(([title, variables]) => [
    `# --- ${title} ---`,
    ...Object.entries(variables).map(([name, variable]) => paragraph(name, variable)),
  ]);
  return `${[HEAD.trimEnd(), ...sections.flat()].join('\n\n')}\n`;
};
