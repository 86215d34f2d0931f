/**
 * What systemd makes of the text of an EnvironmentFile=, by the rules of systemd.exec(5) and src/basic/env-file.c (252 to 262): no
 * variables, no commands; comments only where a line begins; an unquoted backslash keeps the next character, a double-quoted one only
 * before " \ ` $; single quotes keep everything.
 */
export const readEnvironmentFile = (text: string): Readonly<Record<string, string>> => {
  const values: Record<string, string> = {};
  for (const line of logicalLines(text)) {
    const at = line.indexOf('=');
    if (at < 1 || /^[#;]/.test(line)) continue;
    values[line.slice(0, at).trim()] = valueOf(line.slice(at + 1).trimStart());
  }
  return values;
};

/** Quotes may hold line breaks. */
const logicalLines = (text: string): readonly string[] =>
  text.match(/(?:[#;][^\n]*|"(?:\\[^]|[^"\\])*"|'[^']*'|\\[^]|[^\n"'\\])+/g)?.map((line) => line.trim()) ??
  [];

const valueOf = (text: string): string => {
  let value = '';
  // Blanks at the end count only inside quotes.
  let kept = 0;
  for (const [part] of text.matchAll(/"(?:\\[^]|[^"\\])*"|'[^']*'|\\[^]|[^]/g)) {
    if (part.length > 1 && part.startsWith('"'))
      value += part
        .slice(1, -1)
        .replaceAll(/\\([^])/g, (escape, of: string) => (/["\\`$]/.test(of) ? of : escape));
    else if (part.length > 1 && part.startsWith("'")) value += part.slice(1, -1);
    else value += part.startsWith('\\') ? part.slice(1) : part;
    if (!/^\s$/.test(part)) kept = value.length;
  }
  return value.slice(0, kept);
};
