import { styleText } from 'node:util';

/** What the demo prints: colour only on a terminal (styleText looks at NO_COLOR and at the stream). */
export interface Narrator {
  readonly chapter: (title: string) => void;
  readonly say: (line: string) => void;
  /** A command as one would type it, and what it printed. */
  readonly shell: (command: string, output: string) => void;
}

const indent = (text: string, prefix: string): string => text.trimEnd().replace(/^(?=.)/gm, prefix);
const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
  styleText(style, text, { stream: process.stdout });

/** After `signal` every call throws its reason: the story ends at its next line. */
export const createNarrator = (signal: AbortSignal): Narrator => {
  let chapters = 0;
  return {
    chapter: (title) => {
      signal.throwIfAborted();
      chapters += 1;
      console.log(`\n${paint('bold', `${String(chapters)}. ${title}`)}`);
    },
    say: (line) => {
      signal.throwIfAborted();
      console.log(indent(line, '   '));
    },
    shell: (command, output) => {
      signal.throwIfAborted();
      console.log(paint('cyan', `   $ ${command}`));
      if (output.trim() !== '') console.log(indent(output, '   '));
    },
  };
};
