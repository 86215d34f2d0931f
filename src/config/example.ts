import { SECTION_TITLES, VARIABLE_ENTRIES, type Section, type Variable } from './agent-variables.ts';

const HEAD = `# Configuration of the supercargo agent: copy to /etc/supercargo/agent.env and edit.
# The form is that of systemd's EnvironmentFile=: NAME=value, no "export", no \${…}.
# A line that starts with "#NAME=" shows how to set what is not set; after a change: systemctl reload supercargo
`;

/**
 * systemd takes a value up to the end of the line, a shell that sources the file does not: quoted it is right
 * for both.
 */
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

const paragraph = (name: string, variable: Variable): string => {
  const isRequired = variable.default === undefined;
  const preset = isRequired ? 'Must be set.' : `Default: ${variable.default}.`;
  return [
    wrapped(variable.effect),
    wrapped(`Value: ${variable.unit}. ${preset}`),
    `${isRequired ? '' : '#'}${name}=${quoted(variable.example)}`,
  ].join('\n');
};

/**
 * The text of `systemd/agent.env.example`: every variable that an operator may set, in the order of the
 * table.
 */
export const renderExample = (): string => {
  const variables = VARIABLE_ENTRIES.filter(([, variable]) => variable.setBy === 'operator');
  const sections = [...new Set(variables.map(([, variable]) => variable.section))];
  const section = (name: Section): string =>
    [
      `# --- ${SECTION_TITLES[name]} ---`,
      ...variables
        .filter(([, variable]) => variable.section === name)
        .map(([key, variable]) => paragraph(key, variable)),
    ].join('\n\n');
  return `${[HEAD.trimEnd(), ...sections.map(section)].join('\n\n')}\n`;
};
