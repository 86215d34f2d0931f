import * as v from 'valibot';

/**
 * The members of the status document that readers rely on. Unlike a manifest, a report is read leniently: a
 * newer agent may add members and new words, which are kept and shown. Only the types of the members below
 * are fixed.
 */
const text = v.string();
const time = v.pipe(v.string(), v.isoTimestamp());
const maybe = <S extends v.GenericSchema>(schema: S) => v.nullable(schema);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** A word from a list that newer agents may extend. */
const word = text;

/** As in requests for turns: a database stores it as text of its own, which takes no character 0. */
const life = v.pipe(
  text,
  v.regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 characters of ASCII without blanks'),
);

const container = v.looseObject({
  id: text,
  name: text,
  replica: count,
  version: text,
  release: text,
  role: word,
  state: word,
  health: word,
  since: maybe(time),
  drain: maybe(v.looseObject({ since: time, until: time, sessions: maybe(count) })),
});

const service = v.looseObject({
  service: text,
  outcome: word,
  reason: maybe(word),
  message: maybe(text),
  advice: maybe(text),
  since: time,
  serves: v.exactOptional(maybe(v.boolean())),
  until: maybe(time),
  desired: maybe(v.looseObject({ version: text, release: text })),
  rolledBack: maybe(v.looseObject({ from: text, to: text })),
  failure: maybe(
    v.looseObject({
      version: text,
      release: text,
      attempt: count,
      reason: word,
      message: text,
      at: time,
      log: v.array(text),
    }),
  ),
  progress: maybe(
    v.looseObject({ layersDone: count, layersTotal: count, bytesDone: count, bytesTotal: count }),
  ),
  switching: v.exactOptional(
    maybe(
      v.looseObject({
        entry: maybe(text),
        release: text,
        digest: maybe(text),
        attempt: count,
        state: word,
        kind: word,
        unsettled: v.boolean(),
        hasServed: v.boolean(),
      }),
    ),
  ),
  containers: v.array(container),
});

const manifest = v.looseObject({
  state: word,
  serial: maybe(count),
  epoch: maybe(count),
  signed: maybe(v.boolean()),
  issuedAt: maybe(time),
  expiresAt: maybe(time),
  acceptedAt: maybe(time),
  publisher: maybe(v.looseObject({ name: maybe(text), build: maybe(text), url: maybe(text) })),
  rejection: maybe(
    v.looseObject({ reason: word, serial: maybe(count), message: text, advice: text, since: time }),
  ),
  source: v.looseObject({
    reachable: maybe(v.boolean()),
    checkedAt: maybe(time),
    message: maybe(text),
    advice: maybe(text),
    nextAt: maybe(time),
  }),
  ignored: v.array(v.looseObject({ service: text, why: text })),
});

const edge = v.looseObject({
  outcome: word,
  reason: maybe(word),
  message: maybe(text),
  advice: maybe(text),
  until: maybe(time),
  containers: v.array(
    v.looseObject({
      id: text,
      name: text,
      role: word,
      state: word,
      version: maybe(text),
      sessions: maybe(count),
    }),
  ),
});

export const reportSchema = v.looseObject({
  apiVersion: v.literal('supercargo/status/v1', 'must be supercargo/status/v1'),
  environment: text,
  host: text,
  labels: v.exactOptional(v.record(text, text)),
  at: time,
  outcome: word,
  agent: v.looseObject({ running: v.boolean(), version: text, pid: maybe(count), since: maybe(time) }),
  engine: v.looseObject({
    online: v.boolean(),
    version: maybe(text),
    apiVersion: maybe(text),
    message: maybe(text),
    advice: maybe(text),
  }),
  manifest,
  hold: maybe(
    v.looseObject({ reason: text, owner: text, since: time, until: maybe(time), all: v.boolean() }),
  ),
  draining: v.exactOptional(
    maybe(v.looseObject({ reason: text, owner: text, since: time, until: maybe(time), done: v.boolean() })),
  ),
  services: v.array(service),
  edge: maybe(edge),
  problems: v.array(v.looseObject({ code: text, message: text, advice: text })),
  turns: v.exactOptional(
    v.looseObject({
      mode: word,
      life,
      seq: count,
      asked: v.array(text),
      jobs: v.exactOptional(v.array(v.looseObject({ service: text, digest: text, attempt: count }))),
      store: word,
      message: maybe(text),
      revision: maybe(count),
    }),
  ),
});
