import * as v from 'valibot';
import { AgentError } from '../../core/errors.ts';
import { readInputFile, unreadText } from '../../io/input-file.ts';

const MAX_BYTES = 1024 ** 2;

const Text = v.nullish(v.string(), '');
const Entry = v.object({
  auth: Text,
  username: Text,
  password: Text,
  identitytoken: Text,
  registrytoken: Text,
});
/** Go writes null for an empty map. Other members (`HttpHeaders`, `proxies`, …) are ignored. */
const DockerConfigSchema = v.object({
  auths: v.nullish(v.record(v.string(), v.nullish(Entry, {})), {}),
  credHelpers: v.nullish(v.record(v.string(), Text), {}),
  credsStore: Text,
});

export type DockerConfig = v.InferOutput<typeof DockerConfigSchema>;
export type DockerConfigEntry = v.InferOutput<typeof Entry>;

export const malformed = (file: string, what: string): AgentError =>
  new AgentError('CREDENTIALS', `${file} ${what}`, {
    advice: `correct ${file}, or write it anew with "docker login"`,
    fields: { file },
  });

/**
 * Reads DOCKER_CONFIG/config.json. A missing file holds no logins.
 * @throws AgentError CREDENTIALS with the file's name, without the parser's message, which quotes passwords
 */
export const readDockerConfig = async (file: string, signal?: AbortSignal): Promise<DockerConfig> => {
  const read = await readInputFile(file, MAX_BYTES, signal);
  if (read.kind === 'missing') return v.parse(DockerConfigSchema, {});
  if (read.kind !== 'bytes')
    throw new AgentError('CREDENTIALS', `${file} ${unreadText(read)}`, {
      advice: 'make the file readable for the user of the agent, or point DOCKER_CONFIG elsewhere',
      fields: { file },
    });
  const result = v.safeParse(DockerConfigSchema, parseJson(file, read.bytes.toString('utf8')));
  if (result.success) return result.output;
  throw malformed(file, `has a wrong value at ${v.getDotPath(result.issues[0]) ?? 'its top'}`);
};

const parseJson = (file: string, content: string): unknown => {
  try {
    return JSON.parse(content);
  } catch {
    throw malformed(file, 'is not JSON');
  }
};
