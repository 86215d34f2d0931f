import { files, surroundings, trust, what } from './place-variables.ts';
import { readVariables, refusal, type Values, type Variables } from './read-variables.ts';

const ENVIRONMENT = { SUPERCARGO_ENVIRONMENT: { ...what.SUPERCARGO_ENVIRONMENT, default: undefined } };
const PATHS = {
  ...ENVIRONMENT,
  ...files,
  SUPERCARGO_INSTANCE: surroundings.SUPERCARGO_INSTANCE,
  STATE_DIRECTORY: surroundings.STATE_DIRECTORY,
};
const { SUPERCARGO_COMPOSE, SUPERCARGO_TRUST } = { ...what, ...trust };
const DOCUMENTS = { ...ENVIRONMENT, SUPERCARGO_COMPOSE, SUPERCARGO_TRUST };

const readSound = <R extends Variables>(env: NodeJS.ProcessEnv, variables: R): Values<R> => {
  const { values, problems } = readVariables(env, variables);
  if (problems.length > 0) throw refusal(problems);
  return values;
};

type StateValues = Pick<Values<typeof PATHS>, 'SUPERCARGO_STATE_DIR' | 'STATE_DIRECTORY'>;
export const stateDirOf = ({ SUPERCARGO_STATE_DIR, STATE_DIRECTORY }: StateValues): string =>
  SUPERCARGO_STATE_DIR ?? STATE_DIRECTORY ?? '/var/lib/supercargo';

/**
 * For commands that talk to the running agent or read its state; they work with an incomplete agent.env.
 * @throws AgentError CONFIG if one of these variables is invalid
 */
export const readPaths = (env: NodeJS.ProcessEnv) => {
  const values = readSound(env, PATHS);
  return {
    environment: values.SUPERCARGO_ENVIRONMENT,
    stateDir: stateDirOf(values),
    socketPath: values.SUPERCARGO_SOCKET,
  };
};

/** For commands that only check files; the trust file may be missing. @throws AgentError CONFIG likewise */
export const readDocumentPaths = (env: NodeJS.ProcessEnv) => {
  const values = readSound(env, DOCUMENTS);
  return {
    environment: values.SUPERCARGO_ENVIRONMENT,
    composePath: values.SUPERCARGO_COMPOSE,
    trustFile: values.SUPERCARGO_TRUST,
  };
};
