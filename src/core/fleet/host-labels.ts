/** An operator's labels of a host, values by names. A label decides when a host switches, never to what. */
export type HostLabels = Readonly<Record<string, string>>;

export type ParsedLabels =
  | { readonly kind: 'labels'; readonly labels: HostLabels }
  /** Completes "SUPERCARGO_LABELS …" and "--where …". */
  | { readonly kind: 'problem'; readonly message: string };

export const LABELS_FORM =
  'NAME=VALUE, several separated by "," or blanks: at most 32, names and values of letters, digits, ' +
  '".", "_", "-" and "/", up to 63 each';

const MOST = 32;
const WORD = /^[A-Za-z0-9._/-]{1,63}$/;

/** Readers refuse a report with a key that every object inherits, and drop the key `prototype`. */
const isReserved = (name: string): boolean => name in Object.prototype || name === 'prototype';

const problemOf = (item: string): string | undefined => {
  const at = item.indexOf('=');
  if (at < 0) return `has "${item}", which is not NAME=VALUE`;
  const name = item.slice(0, at);
  if (!WORD.test(name)) return `has "${item}", whose name is not valid`;
  if (isReserved(name)) return `has the name "${name}", which is reserved`;
  return WORD.test(item.slice(at + 1)) ? undefined : `has "${item}", whose value is not valid`;
};

const problem = (message: string): ParsedLabels => ({ kind: 'problem', message });

/** Parses `zone=a,canary=true`: the labels of a host, or those that hosts are selected by. */
export const parseLabels = (text: string): ParsedLabels => {
  const items = text.split(/[\s,]+/).filter((item) => item !== '');
  if (items.length === 0) return problem('has no label');
  if (items.length > MOST) return problem(`has ${String(items.length)} labels, more than ${String(MOST)}`);
  const labels = new Map<string, string>();
  for (const item of items) {
    const message = problemOf(item);
    if (message !== undefined) return problem(message);
    const [name = '', value = ''] = item.split('=');
    if (labels.has(name)) return problem(`has "${name}" twice`);
    labels.set(name, value);
  }
  return { kind: 'labels', labels: Object.fromEntries(labels) };
};

/** The labels of a report that an agent of this version could have; a newer one may have others. */
export const validLabels = (labels: HostLabels): HostLabels =>
  Object.fromEntries(
    Object.entries(labels)
      .filter(([name, value]) => problemOf(`${name}=${value}`) === undefined)
      .slice(0, MOST),
  );

export const formatLabels = (labels: HostLabels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');

export const hasLabels = (labels: HostLabels, where: HostLabels): boolean =>
  Object.entries(where).every(([name, value]) => labels[name] === value);

export interface LabelCount {
  /** `zone=a` */
  readonly label: string;
  readonly hosts: number;
}

const SHOWN = 20;

/** `canary=true (1), zone=a (2)`; `others` are known and not among the counts. */
export const knownLabelsText = (counts: readonly LabelCount[], others = 0): string => {
  const shown = counts.slice(0, SHOWN).map(({ label, hosts }) => `${label} (${String(hosts)})`);
  const more = counts.length - shown.length + others;
  return [...shown, ...(more > 0 ? [`and ${String(more)} more`] : [])].join(', ');
};
