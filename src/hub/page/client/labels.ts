import {
  formatLabels,
  parseLabels,
  type HostLabels,
  type ParsedLabels,
} from '../../../core/fleet/host-labels.ts';
import type { Totals } from './documents.ts';
import { element } from './dom.ts';

/** The filter in the address, `?where=zone=a,canary=true`; without it all hosts are shown. */
export type Filter = ParsedLabels | { readonly kind: 'none' };

export const filterIn = (search: string): Filter => {
  const text = new URLSearchParams(search).getAll('where').join(',');
  return text.trim() === '' ? { kind: 'none' } : parseLabels(text);
};

/** The address with another filter. Labels are words that need no escapes. */
const addressOf = (where: HostLabels): string => {
  const text = formatLabels(where);
  return `${location.pathname}${text === '' ? '' : `?where=${text}`}${location.hash}`;
};

/** The filter with the label, or without it if it has it. */
const toggled = (where: HostLabels, name: string, value: string): HostLabels => {
  const { [name]: chosen, ...others } = where;
  return chosen === value ? others : { ...where, [name]: value };
};

/** A link for each frequent label, to the page with that filter. None if neither is there. */
export const labelLinks = ({ labels, moreLabels }: Totals, filter: Filter): readonly HTMLElement[] => {
  const where = filter.kind === 'labels' ? filter.labels : {};
  const links = labels.map(({ label, hosts: count }) => {
    const [name = '', value = ''] = label.split('=');
    return element(
      'a',
      {
        id: `label-${label}`,
        href: addressOf(toggled(where, name, value)),
        ...(where[name] === value && { 'aria-current': 'true' }),
      },
      `${label} `,
      element('small', {}, String(count)),
    );
  });
  const all = element('a', { id: 'label', href: addressOf({}) }, 'all hosts');
  return [
    ...(filter.kind === 'none' ? [] : [all]),
    ...links,
    ...(moreLabels > 0 ? [element('span', { class: 'faint' }, `and ${String(moreLabels)} more`)] : []),
  ];
};
