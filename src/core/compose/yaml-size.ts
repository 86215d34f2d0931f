import { Lexer } from 'yaml';

/**
 * A file of 50,000 values has some 250,000 tokens. A megabyte of quotes has half a million, each of them a
 * fault.
 */
const MAX_TOKENS = 400_000;
/** Brackets inside brackets, and "- - -" in one line; the parser of the package recurses. */
const MAX_OPEN = 100;

/**
 * What is too much in a text before it is parsed; undefined where it may be. The parser cannot be stopped,
 * and what it makes of a megabyte takes half a gigabyte in the worst case; its lexer gives one token after
 * the other.
 */
export const yamlExcess = (text: string): 'too-large' | 'too-deep' | undefined => {
  let tokens = 0;
  let open = 0;
  let inLine = 0;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    if (token === '[' || token === '{') open += 1;
    else if (token === ']' || token === '}') open -= 1;
    else if (token.startsWith('\n') || token.startsWith('\r\n')) inLine = 0;
    // In brackets one line may hold many keys.
    else if (open === 0 && (token === '-' || token === '?' || token === ':')) inLine += 1;
    if (tokens > MAX_TOKENS) return 'too-large';
    if (open > MAX_OPEN || inLine > MAX_OPEN) return 'too-deep';
  }
  return undefined;
};
