import { EnvError } from 'envalid';
import { kind } from './read-variables.ts';

/** The addresses of one server, or of several hubs. */
export type Addresses = readonly [string, ...string[]];

const NUMBERS = ['1st', '2nd', '3rd'];
/** More would only make messages long. */
const MOST_ADDRESSES = 16;
/**
 * An address may hold commas and blanks of its own, as it always could, so what separates two of them stands
 * before the scheme of the next one.
 */
const BETWEEN = /[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*:\/\/|$)/;

/** Several addresses, each read alone. A problem names the address by its position. */
const addressList =
  (read: (address: string) => string) =>
  (value: string): Addresses => {
    const written = value
      .trim()
      .split(BETWEEN)
      .filter((word) => word !== '');
    const [first = value, ...others] = written;
    if (others.length === 0) return [read(first)];
    if (written.length > MOST_ADDRESSES)
      throw new EnvError(`has ${written.length} addresses, more than ${MOST_ADDRESSES}`);
    const numbered = (word: string, index: number): string => {
      const name = `its ${NUMBERS[index] ?? `${index + 1}th`} address`;
      try {
        return read(word);
      } catch (error) {
        throw error instanceof EnvError ? new EnvError(`is a list, and ${name} ${error.message}`) : error;
      }
    };
    const addresses = [numbered(first, 0), ...others.map((word, n) => numbered(word, n + 1))] as const;
    if (new Set(addresses).size < addresses.length) throw new EnvError('names one address twice');
    return addresses;
  };

const lastPart = (address: string): string => new URL(address).pathname.split('/').at(-1) ?? '';

/** The text never appears in a message: it may hold a password. */
const oneManifestUrl = (value: string): string => {
  if (!URL.canParse(value)) throw new EnvError('is not a URL');
  const url = new URL(value);
  if (url.username !== '' || url.password !== '') {
    throw new EnvError(
      'has a user name or password: write them into a file and name it in SUPERCARGO_MANIFEST_CREDENTIALS',
    );
  }
  if (!['file:', 'http:', 'https:'].includes(url.protocol))
    throw new EnvError(`has the scheme "${url.protocol}"`);
  if (url.protocol === 'file:' && url.host !== '') {
    throw new EnvError(`names the host "${url.host}": a file URL has three slashes, file:///PATH`);
  }
  return url.href;
};

export const manifestUrls = kind<Addresses>((value) => {
  const addresses = addressList(oneManifestUrl)(value);
  if (addresses.length > 1 && addresses.some((address) => address.startsWith('file:')))
    throw new EnvError('is a list with a file: a file stands alone');
  if (addresses.some((address) => lastPart(address) !== lastPart(addresses[0])))
    throw new EnvError('is a list of different files: each address ends in the name of the same manifest');
  return addresses;
});

/** The text never appears in a message: it may hold a password. */
const oneReportUrl = (value: string): string => {
  if (!URL.canParse(value)) throw new EnvError('is not a URL');
  const url = new URL(value);
  if (url.username !== '' || url.password !== '') {
    throw new EnvError('has a user name or password: reports use the token of SUPERCARGO_REPORT_TOKEN_FILE');
  }
  if (!['http:', 'https:'].includes(url.protocol)) throw new EnvError(`has the scheme "${url.protocol}"`);
  if (url.search !== '' || url.hash !== '')
    throw new EnvError('has a "?" or "#": reports are kept below this URL');
  return url.href.replace(/\/+$/, '');
};

export const reportUrls = kind<Addresses>(addressList(oneReportUrl));
