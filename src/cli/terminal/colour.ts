import { styleText } from 'node:util';

/** What a renderer must know of where its text goes. */
export interface Terminal {
  /** Width in cells; undefined: no terminal, lines may be of any length. */
  readonly columns: number | undefined;
  readonly colour: boolean;
}

type Paint = (text: string) => string;

/** Colours by meaning. */
export interface Palette {
  readonly good: Paint;
  readonly bad: Paint;
  readonly warn: Paint;
  readonly info: Paint;
  readonly faint: Paint;
  readonly strong: Paint;
}

/**
 * Node itself decides on colour: a terminal that has colours, not NO_COLOR, NODE_DISABLE_COLORS or TERM=dumb;
 * FORCE_COLOR wins over all (node:util styleText, `validateStream`).
 */
export const describeTerminal = (
  stream: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number },
): Terminal => ({
  columns: stream.isTTY === true && (stream.columns ?? 0) > 0 ? stream.columns : undefined,
  colour: styleText('bold', 'x', { stream }) !== 'x',
});

export const createPalette = ({ colour }: Pick<Terminal, 'colour'>): Palette => {
  const paint =
    (format: Parameters<typeof styleText>[0]): Paint =>
    (text) =>
      colour ? styleText(format, text, { validateStream: false }) : text;
  return {
    good: paint('green'),
    bad: paint('red'),
    warn: paint('yellow'),
    info: paint('cyan'),
    faint: paint('dim'),
    strong: paint('bold'),
  };
};
