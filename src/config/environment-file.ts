/** A quoted part, and what may stand between it and the next one. A line break in it belongs to it. */
const QUOTED = /'([^']*)(?:'|$)[ \t]*|"((?:[^"\\]|\\[^])*)(?:"|$)[ \t]*/;
/** Name, quoted parts, and the rest up to the end of the line, which a backslash continues. */
const ASSIGNMENT = new RegExp(
  `([^=\\n#;][^=\\n]*)=[ \\t]*((?:${QUOTED.source})*)((?:[^\\n\\\\]|\\\\[^])*)`,
  'y',
);
const OTHER_LINE = /[^\n]*/y;

/** Between double quotes only these can be escaped; another backslash is a backslash. */
const unescaped = (text: string): string => text.replaceAll(/\\(?:(["\\`$])|\n)/g, '$1');

const quotedValue = (parts: string): string =>
  parts.replaceAll(new RegExp(QUOTED, 'g'), (_, single?: string, double = '') => single ?? unescaped(double));

const bareValue = (text: string): string => text.trimEnd().replaceAll(/\\(?:\n|([^]))/g, '$1');

/**
 * The variables of an environment file as systemd reads it (systemd.exec(5), EnvironmentFile=): it reads the
 * daemon's, we read those of a person's command, and the two must not differ. Lines that assign nothing and
 * names that are none are passed over.
 */
export const parseEnvironmentFile = (text: string): Readonly<Record<string, string>> => {
  const variables: Record<string, string> = {};
  for (let at = 0; at < text.length; at += 1) {
    while (' \t\n'.includes(text.charAt(at)) && at < text.length) at += 1;
    ASSIGNMENT.lastIndex = at;
    OTHER_LINE.lastIndex = at;
    const match = ASSIGNMENT.exec(text);
    const [all = '', name = '', quoted = '', , , bare = ''] = match ?? OTHER_LINE.exec(text) ?? [];
    if (/^[A-Za-z_]\w*$/.test(name.trim())) variables[name.trim()] = quotedValue(quoted) + bareValue(bare);
    at += all.length;
  }
  return variables;
};
