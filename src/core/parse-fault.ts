import type { ErrorCode } from 'yaml';

/**
 * Our own texts for YAML errors. A parser's message quotes its input, and values with `!`, `|` or quotes,
 * such as passwords, are the likeliest to cause an error. So no parser message is ever shown.
 */
const YAML_FAULTS: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias has a tag or an anchor',
  BAD_ALIAS: 'an alias has no name',
  BAD_COLLECTION_TYPE: 'a tag does not fit its map or list',
  BAD_DIRECTIVE: 'a line begins with % but is not a YAML directive',
  BAD_DQ_ESCAPE: 'a backslash in double quotes does not begin a YAML escape',
  BAD_INDENT: 'the indentation is wrong',
  BAD_PROP_ORDER: 'a tag or an anchor is in the wrong place',
  BAD_SCALAR_START: 'a text without quotes begins with a character that needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a map or list begins where only one value can be',
  BLOCK_IN_FLOW: 'a list or map of several lines is inside brackets',
  DUPLICATE_KEY: 'a key is set twice',
  IMPOSSIBLE: 'it is not YAML',
  KEY_OVER_1024_CHARS: 'a key has more than 1024 characters',
  MISSING_CHAR: 'a quote, bracket, comma or colon is missing',
  MULTILINE_IMPLICIT_KEY: 'a key spans several lines',
  MULTIPLE_ANCHORS: 'a value has two anchors',
  MULTIPLE_DOCS: 'it holds several YAML documents',
  MULTIPLE_TAGS: 'a value has two tags',
  NON_STRING_KEY: 'a key is not text',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
  TAB_AS_INDENT: 'it is indented with a tab',
  TAG_RESOLVE_FAILED: 'a value begins with "!", which is a tag in YAML',
  UNEXPECTED_TOKEN: 'there is something that YAML does not allow here',
};

/** One sentence that quotes nothing from the text. */
export const yamlFault = (code: ErrorCode): string => YAML_FAULTS[code];

/** Says where the JSON is wrong, if the parser reports a position. It quotes nothing from the text. */
export const jsonFault = (error: unknown): string => {
  const message = error instanceof Error ? error.message : '';
  const [, line, column] = /\(line (\d+) column (\d+)\)$/.exec(message) ?? [];
  if (line !== undefined && column !== undefined)
    return `not JSON: the fault is at line ${line}, column ${column}`;
  return /end of JSON input/.test(message) ? 'not JSON: it ends too early' : 'not JSON';
};
