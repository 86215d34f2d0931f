import { isEnvironmentName } from '../manifest/schema.ts';

/** Like SUPERCARGO_HOST, but shorter: `HOST.json` is a file name of at most 255 bytes. */
const HOST = /^[A-Za-z0-9][A-Za-z0-9._-]{0,249}$/;
const SERIAL = /^[1-9][0-9]{0,15}$/;
const END = '.json';

export const isReportingHost = (text: string): boolean => HOST.test(text);

const withoutEnd = (file: string): string | undefined =>
  file.endsWith(END) ? file.slice(0, -END.length) : undefined;

const checked = (name: string | undefined, isName: (text: string) => boolean): string | undefined =>
  name !== undefined && isName(name) ? name : undefined;

/** `staging.json` → `staging`; undefined for other names. */
export const environmentOfFile = (file: string): string | undefined =>
  checked(withoutEnd(file), isEnvironmentName);
export const hostOfFile = (file: string): string | undefined => checked(withoutEnd(file), isReportingHost);

/** `418.json` → 418. Leading zeros are refused, so that a serial has one address. */
export const serialOfFile = (file: string): number | undefined => {
  const name = withoutEnd(file);
  const serial = name !== undefined && SERIAL.test(name) ? Number(name) : Number.NaN;
  return Number.isSafeInteger(serial) ? serial : undefined;
};
