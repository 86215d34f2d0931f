import type { ForeignContainer } from '../status/status-document.ts';
import type { Actual } from '../state/actual.ts';
import { memoize } from '../memoize.ts';

export const foreignIn = memoize(({ containers }: Actual): readonly ForeignContainer[] =>
  containers.flatMap(({ id, name, lookalike }) =>
    lookalike === undefined
      ? []
      : [
          {
            id,
            name,
            service: lookalike.service === '' ? null : lookalike.service,
            differs: lookalike.differs,
          },
        ],
  ),
);

export const foreignText = ({ service, differs }: ForeignContainer): string =>
  `bears the labels of ${service ?? 'an edge'} and is not ours (other ${differs.join(', ')}): ` +
  'it is left alone';
