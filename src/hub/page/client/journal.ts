import { ago, element, foreign } from './dom.ts';
import { versionIn, type Published } from './documents.ts';

/** What a publish changed compared with the one before. */
const changesOf = (published: Published, before: Published | undefined): string => {
  const names = [
    ...new Set([...Object.keys(published.services), ...Object.keys(before?.services ?? {})]),
  ].toSorted();
  const changes = names.flatMap((name) => {
    const [from, to] = [before?.services[name], published.services[name]];
    if (from?.image === to?.image) return [];
    return [`${name} ${from ? `${versionIn(from.image)} → ` : ''}${to ? versionIn(to.image) : 'nothing'}`];
  });
  const frozen = published.freeze ? [`frozen: ${published.freeze.reason}`] : [];
  return [...changes, ...frozen].join(', ') || 'the same versions';
};

/** Only web addresses become links, because the publisher chooses the text. */
const publisherOf = ({ publisher }: Published): HTMLElement => {
  const text = [publisher?.name, publisher?.build].filter((t) => t !== undefined).join(' #') || 'unknown';
  const url = publisher?.url;
  return url !== undefined && /^https?:\/\//i.test(url)
    ? element('a', { href: url, rel: 'noreferrer noopener', target: '_blank' }, foreign(text))
    : foreign(text);
};

const heading = (text: string): HTMLElement => element('th', { scope: 'col' }, text);

/** Newest first. Without `isWhole` the last entry only serves as the comparison for the one before. */
export const journalTable = (list: readonly Published[], isWhole: boolean, nowMs: number): HTMLElement => {
  const shown = isWhole ? list : list.slice(0, -1);
  const rows = shown.map((published, at) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, String(published.serial)),
      element('td', { 'data-label': 'Changed' }, foreign(changesOf(published, list[at + 1]))),
      element('td', { 'data-label': 'By' }, publisherOf(published)),
      element('td', { 'data-label': 'When' }, ago(published.issuedAt, nowMs)),
    ),
  );
  return element(
    'div',
    { class: 'scroller' },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...['Serial', 'Changed', 'By', 'When'].map(heading))),
      element('tbody', {}, ...rows),
    ),
  );
};
