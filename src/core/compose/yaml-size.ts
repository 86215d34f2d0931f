import { Lexer } from 'yaml';

/**
 * A file of 50,000 values has about 250,000 tokens; a megabyte of quotes has 500,000, and each is a fault.
 */
const MAX_TOKENS = 400_000;
/** Limits nested brackets, and "- - -" in one line, because the package's parser recurses. */
const MAX_OPEN = 100;

/**
 * Checks a text before it is parsed. The parser cannot be stopped and may need half a gigabyte for one
 * megabyte of text, but its lexer gives one token at a time.
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
    // Within brackets, one line may contain many keys.
    else if (open === 0 && (token === '-' || token === '?' || token === ':')) inLine += 1;
    if (tokens > MAX_TOKENS) return 'too-large';
    if (open > MAX_OPEN || inLine > MAX_OPEN) return 'too-deep';
  }
  return undefined;
};
