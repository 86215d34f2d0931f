import { EDGE_HEALTH_MAP } from '../../core/edge/edge-container.ts';
import { checkedMapLines, readMap, sameMap, type HealthMap } from '../../core/edge/health-answer.ts';
import { edgeError } from './edge-error.ts';
import type { Runtime } from './runtime.ts';

/** Management guide, 9.3: `show map` has the address of the entry, then its key and value. */
export const SHOW_ANSWERS = `show map ${EDGE_HEALTH_MAP}`;
const UNKNOWN = /^Unknown map identifier/;
const PREPARED = /^New version created: (\d+)/;

/** Returns undefined if the edge has no such map. */
export const parseAnswers = (answer: string): HealthMap | undefined => {
  if (UNKNOWN.test(answer)) return undefined;
  // An empty map gives one empty line; a killed worker's answer ends anywhere.
  if (answer !== '\n' && !answer.endsWith('\n\n'))
    throw edgeError('read the answers of the edge', answer || 'the answer was cut');
  return readMap(answer.split('\n').map((line) => line.slice(line.indexOf(' ') + 1)));
};

/**
 * Changes all answers in one moment (`commit map`), so that no request between finds an entry missing. An
 * edge without the endpoint has nothing to change.
 */
export const setAnswers = async (runtime: Runtime, map: HealthMap, signal: AbortSignal): Promise<void> => {
  const lines = checkedMapLines(map);
  const seen = parseAnswers(await runtime.ask(SHOW_ANSWERS, signal));
  if (seen === undefined || sameMap(seen, map)) return;
  const ask = async (command: string): Promise<void> => {
    const answer = await runtime.ask(command, signal);
    if (answer.trim() !== '') throw edgeError('change the answers of the edge', answer);
  };
  const prepared = await runtime.ask(`prepare map ${EDGE_HEALTH_MAP}`, signal);
  const version = PREPARED.exec(prepared)?.[1];
  if (version === undefined) throw edgeError('change the answers of the edge', prepared);
  for (const line of lines) await ask(`add map @${version} ${EDGE_HEALTH_MAP} ${line}`);
  await ask(`commit map @${version} ${EDGE_HEALTH_MAP}`);
};
