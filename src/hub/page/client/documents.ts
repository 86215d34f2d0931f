import type { FleetTotals } from '../../../core/fleet/fleet-totals.ts';
import type { DesiredManifest } from '../../../core/fleet/host-findings.ts';
import type { HostVerdict } from '../../../core/fleet/verdict-text.ts';
import { splitReference, versionOf } from '../../../core/image/image-version.ts';
import type { ReportedStatus } from '../../../core/status/reported-status.ts';

/** Documents of the hub (docs/HUB.md), as far as the page shows them. */
export interface FleetPage {
  readonly totals: Totals;
  readonly hosts: readonly HostEntry[];
  readonly next: string | null;
}

export type Totals = Pick<FleetTotals, 'hosts' | 'kinds' | 'words' | 'labels' | 'moreLabels'>;

export interface HostEntry {
  readonly host: string;
  readonly receivedAt: string;
  readonly verdict: HostVerdict;
  readonly status: ReportedStatus;
}

export interface Published {
  readonly serial: number;
  readonly issuedAt: string;
  readonly services: Readonly<Record<string, { readonly image: string }>>;
  readonly publisher?: { readonly name?: string; readonly build?: string; readonly url?: string };
  readonly freeze?: { readonly reason: string };
}

/** The login has ended. */
export class LoggedOut extends Error {}

let aheadMs = 0;

/** The time by the hub's clock, which also wrote the times on the page: the browser's may be minutes off. */
export const hubNowMs = (): number => Date.now() + aheadMs;

/** The addresses of pages differ from read to read. */
const MOST_TAGS = 100;

const tags = new Map<string, { readonly tag: string; readonly value: unknown }>();

/** Reads a document again only if it changed. Returns undefined if there is none. */
export const getJson = async <T>(path: string): Promise<T | undefined> => {
  const known = tags.get(path);
  const headers = known ? { 'if-none-match': known.tag } : {};
  const answer = await fetch(path, { headers, cache: 'no-store' });
  const dateMs = Date.parse(answer.headers.get('date') ?? '');
  // The header has whole seconds, so small differences are not corrected.
  aheadMs = Number.isNaN(dateMs) || Math.abs(dateMs - Date.now()) < 5_000 ? 0 : dateMs - Date.now();
  if (answer.status === 304 && known) return known.value as T;
  if (answer.status === 401) throw new LoggedOut();
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`the hub answers ${String(answer.status)}`);
  const value = (await answer.json()) as T;
  const tag = answer.headers.get('etag');
  if (tag !== null) tags.set(path, { tag, value });
  for (const oldest of [...tags.keys()].slice(0, -MOST_TAGS)) tags.delete(oldest);
  return value;
};

/** Reads a manifest, bare or in a DSSE envelope. Only hosts verify its signatures. */
export const manifestIn = (value: unknown): Published | undefined => {
  const { payload } = (value ?? {}) as { payload?: unknown };
  if (typeof payload !== 'string') return value as Published | undefined;
  try {
    const plain = atob(payload.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(plain, (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Published;
  } catch {
    return undefined;
  }
};

/** `1.2.3` of `registry.example.com/org/web:1.2.3@sha256:…`. */
export const versionIn = (image: string): string => versionOf(splitReference(image));

/** The manifest that hosts are judged by. Undefined if none is published or it is unreadable. */
export const desiredIn = (published: Published | undefined): DesiredManifest | undefined => {
  if (typeof published?.serial !== 'number') return undefined;
  const services = Object.entries(published.services ?? {}).map(
    ([name, { image }]) => [name, { image: splitReference(image) }] as const,
  );
  return { serial: published.serial, services: Object.fromEntries(services) };
};
