import { styleText } from 'node:util';

/** The properties of the output that a renderer needs. */
export interface Terminal {
  /** Width in cells; undefined without a terminal, where lines have no limit. */
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
 * Node decides about colour: it follows the terminal, NO_COLOR, NODE_DISABLE_COLORS, TERM=dumb, and
 * FORCE_COLOR before all (node:util styleText, `validateStream`).
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
