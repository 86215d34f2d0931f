import {
  countLabels,
  formatLabels,
  parseLabels,
  validLabels,
  type HostLabels,
  type ParsedLabels,
} from '../../../core/fleet/host-labels.ts';
import type { HostEntry } from './documents.ts';
import { element } from './dom.ts';

/** The filter in the address, `?where=zone=a,canary=true`; without it all hosts are shown. */
export type Filter = ParsedLabels | { readonly kind: 'none' };

export const filterIn = (search: string): Filter => {
  const text = new URLSearchParams(search).getAll('where').join(',');
  return text.trim() === '' ? { kind: 'none' } : parseLabels(text);
};

const MOST_LINKS = 50;

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

/** A link for each label that hosts report, to the page with that filter. None if neither is there. */
export const labelLinks = (hosts: readonly HostEntry[], filter: Filter): readonly HTMLElement[] => {
  const where = filter.kind === 'labels' ? filter.labels : {};
  const counts = countLabels(hosts.map(({ status }) => validLabels(status.labels ?? {})));
  const links = counts.slice(0, MOST_LINKS).map(({ label, hosts: count }) => {
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
  const more = counts.length - links.length;
  return [
    ...(filter.kind === 'none' ? [] : [all]),
    ...links,
    ...(more > 0 ? [element('span', { class: 'faint' }, `and ${String(more)} more`)] : []),
  ];
};
