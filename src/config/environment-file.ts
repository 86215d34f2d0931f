/** A quoted part, which may span lines, and the blanks after it. */
const QUOTED = /'([^']*)(?:'|$)[ \t]*|"((?:[^"\\]|\\[^])*)(?:"|$)[ \t]*/;
/** Name, quoted parts, and the rest of the line; a backslash continues the line. */
const ASSIGNMENT = new RegExp(
  `([^=\\n#;][^=\\n]*)=[ \\t]*((?:${QUOTED.source})*)((?:[^\\n\\\\]|\\\\[^])*)`,
  'y',
);
const OTHER_LINE = /[^\n]*/y;

/** Between double quotes, only these can be escaped; any other backslash stays. */
const unescaped = (text: string): string => text.replaceAll(/\\(?:(["\\`$])|\n)/g, '$1');

const quotedValue = (parts: string): string =>
  parts.replaceAll(new RegExp(QUOTED, 'g'), (_, single?: string, double = '') => single ?? unescaped(double));

const bareValue = (text: string): string => text.trimEnd().replaceAll(/\\(?:\n|([^]))/g, '$1');

interface Assignment {
  readonly name: string;
  readonly value: string;
  /** The index of its first character. */
  readonly at: number;
}

const assignmentsIn = (text: string): readonly Assignment[] => {
  const found: Assignment[] = [];
  for (let at = 0; at < text.length; at += 1) {
    while (' \t\n'.includes(text.charAt(at)) && at < text.length) at += 1;
    ASSIGNMENT.lastIndex = at;
    OTHER_LINE.lastIndex = at;
    const match = ASSIGNMENT.exec(text);
    const [all = '', written = '', quoted = '', , , bare = ''] = match ?? OTHER_LINE.exec(text) ?? [];
    const name = written.trim();
    if (/^[A-Za-z_]\w*$/.test(name)) found.push({ name, value: quotedValue(quoted) + bareValue(bare), at });
    at += all.length;
  }
  return found;
};

/**
 * Parses an environment file like systemd (systemd.exec(5), EnvironmentFile=), because systemd reads it for
 * the daemon and we read it for an operator's command. Skips lines without an assignment and invalid names.
 */
export const parseEnvironmentFile = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(assignmentsIn(text).map(({ name, value }) => [name, value]));

/** The number of the line, from 1 on, whose value counts; undefined if the file does not set the variable. */
export const lineOfVariable = (text: string, name: string): number | undefined => {
  const last = assignmentsIn(text).findLast((assignment) => assignment.name === name);
  return last && text.slice(0, last.at).split('\n').length;
};
