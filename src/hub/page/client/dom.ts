/** Content of an element. A string becomes a text node, never markup. */
export type Child = Node | string | undefined;

export const element = (
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElement => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((c) => c !== undefined));
  return made;
};

/** Foreign text in `bdi`, so that right-to-left characters do not affect the text around it. */
export const foreign = (text: string): HTMLElement => element('bdi', {}, text);

export const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found;
};

/** Replaces the content of an element, but keeps open details and the focus. */
export const replace = (place: HTMLElement, ...children: readonly Node[]): void => {
  const open = new Set([...place.querySelectorAll('details[open]')].map((d) => d.id));
  const focused = place.contains(document.activeElement) ? document.activeElement?.id : undefined;
  place.replaceChildren(...children);
  for (const details of place.querySelectorAll('details')) if (open.has(details.id)) details.open = true;
  if (focused) document.getElementById(focused)?.focus();
};

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** `3 min ago`, with the exact time as title and attribute. */
export const ago = (iso: string, nowMs: number): HTMLElement => {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1000));
  const words =
    seconds < 2 * MINUTE
      ? `${String(seconds)} s`
      : seconds < 2 * HOUR
        ? `${String(Math.floor(seconds / MINUTE))} min`
        : seconds < 2 * DAY
          ? `${String(Math.floor(seconds / HOUR))} h`
          : `${String(Math.floor(seconds / DAY))} days`;
  return element('time', { datetime: iso, title: iso }, `${words} ago`);
};
