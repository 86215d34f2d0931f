import { parseJson } from '../../core/manifest/text.ts';

const isNamed = (value: unknown, key: string): value is Readonly<Record<string, string>> =>
  typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[key] === 'string';

/**
 * Reads the names in a listing of a hub (`names`, or `hosts` with reports) or of nginx (`autoindex_format
 * json`). Returns undefined for any other text.
 */
export const parseListing = (text: string): readonly string[] | undefined => {
  const json = parseJson(text);
  if (json.kind !== 'value') return undefined;
  if (Array.isArray(json.value))
    return json.value.flatMap((entry) =>
      isNamed(entry, 'name') && (entry as Record<string, unknown>)['type'] !== 'directory'
        ? [entry['name'] ?? '']
        : [],
    );
  const { names, hosts } = (json.value ?? {}) as { names?: unknown; hosts?: unknown };
  if (Array.isArray(names)) return names.filter((name) => typeof name === 'string');
  if (Array.isArray(hosts))
    return hosts.flatMap((h) => (isNamed(h, 'host') ? [`${h['host'] ?? ''}.json`] : []));
  return undefined;
};
