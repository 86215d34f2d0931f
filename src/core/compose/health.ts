import { hint, nodeAt, quoted, report, type Reader } from './reader-context.ts';
import type { Healthcheck, RestartPolicy } from './project-model.ts';
import { fields, listOf, present } from './readers.ts';
import { bool, duration, filledText, integer, positiveDuration, scalar, text } from './scalars.ts';

const TEST_ADVICE = 'write ["CMD", "curl", "-f", "http://localhost/"], or one text for a shell';
const TEST_FAULTS: Readonly<Record<string, string>> = {
  CMD: 'has no command after CMD',
  'CMD-SHELL': 'needs exactly one text after CMD-SHELL: a shell reads only that one',
  NONE: 'has something after NONE, which stands alone',
};

const test: Reader<readonly string[]> = (node, c) => {
  if (node.kind === 'scalar') {
    const line = filledText(node, c);
    return line === undefined ? undefined : line === 'NONE' ? [] : ['CMD-SHELL', line];
  }
  const parts = listOf(text)(node, c);
  if (parts === undefined) return undefined;
  const [kind, ...rest] = parts;
  if (kind === 'NONE' && rest.length === 0) return [];
  if ((kind === 'CMD' && rest.length > 0) || (kind === 'CMD-SHELL' && rest.length === 1)) return parts;
  return report(
    c,
    node,
    TEST_FAULTS[kind ?? ''] ?? 'does not begin with CMD, CMD-SHELL or NONE',
    TEST_ADVICE,
  );
};

const HEALTH_KEYS = {
  test,
  disable: bool,
  interval: positiveDuration,
  timeout: positiveDuration,
  start_period: duration,
  start_interval: positiveDuration,
  retries: integer(1, 1_000_000),
};

/** In the engine's API, a zero keeps the image's value, so zero and absence are the same. */
export const healthcheck: Reader<Healthcheck> = (node, c) => {
  const read = fields(HEALTH_KEYS)(node, c);
  if (read === undefined) return undefined;
  const isOff = read.disable === true || read.test?.length === 0;
  if (
    isOff &&
    Object.entries(read).some(([key, value]) => !['disable', 'test'].includes(key) && value !== undefined)
  ) {
    return report(c, node, 'is disabled and has settings', 'remove the settings, or what disables it');
  }
  if (read.disable === true && read.test !== undefined && read.test.length > 0) {
    return report(c, node, 'has both a test and disable: true', 'keep one of the two');
  }
  if (read.start_interval !== undefined && read.start_period === undefined) {
    return report(
      c,
      nodeAt(node, 'start_interval'),
      'has no effect without start_period',
      'add start_period: DURATION, or remove it',
    );
  }
  return present({
    test: isOff ? [] : read.test,
    intervalMs: read.interval,
    timeoutMs: read.timeout,
    startPeriodMs: read.start_period === 0 ? undefined : read.start_period,
    startIntervalMs: read.start_interval,
    retries: read.retries,
  });
};

const NAMES: readonly RestartPolicy['name'][] = ['no', 'always', 'unless-stopped', 'on-failure'];

export const restart: Reader<RestartPolicy> = (node, c) => {
  const read = scalar(node, c);
  if (read === undefined) return undefined;
  if (read.value === false || (read.text === 'no' && node.kind === 'scalar' && node.plain)) {
    hint(
      c,
      node,
      `${node.kind === 'scalar' ? node.source : 'no'} is taken for "no", ` +
        'but other versions of Compose refuse it: write restart: "no"',
    );
    return { name: 'no', maxRetries: 0 };
  }
  const [, retries] = /^on-failure:(\d{1,6})$/.exec(read.text) ?? [];
  if (retries !== undefined) return { name: 'on-failure', maxRetries: Number(retries) };
  const name = NAMES.find((candidate) => candidate === read.text);
  return name === undefined
    ? report(
        c,
        node,
        `${quoted(c, node, read.text)} is not a restart policy`,
        'write "no", always, unless-stopped, on-failure or on-failure:N',
      )
    : { name, maxRetries: 0 };
};
