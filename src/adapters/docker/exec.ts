import type { Readable } from 'node:stream';
import type { Clients } from './connect.ts';
import { statusOf, toEngineError } from './engine-error.ts';
import { inBody } from './request-body.ts';

const HEADER_BYTES = 8;

/**
 * Removes Docker's frames around stdout and stderr: 1 byte of stream, 3 unused, 4 of length (big endian),
 * text.
 */
export const demultiplex = (bytes: Buffer): string => {
  const parts: Buffer[] = [];
  let offset = 0;
  while (offset + HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32BE(offset + 4);
    parts.push(bytes.subarray(offset + HEADER_BYTES, offset + HEADER_BYTES + length));
    offset += HEADER_BYTES + length;
  }
  return Buffer.concat(parts).toString('utf8');
};

/** The container does not exist or does not run. */
const ABSENT: ReadonlySet<number | undefined> = new Set([404, 409]);

/** @throws AgentError ENGINE, ENGINE_OFFLINE */
export const runIn = async (
  { docker }: Pick<Clients, 'docker'>,
  container: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly exitCode: number; readonly output: string } | undefined> => {
  try {
    const exec = await docker
      .getContainer(container)
      .exec(inBody({ Cmd: [...command], AttachStdout: true, AttachStderr: true }, signal));
    const stream = (await exec.start({ abortSignal: signal })) as unknown as Readable;
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const { ExitCode } = await exec.inspect({ abortSignal: signal });
    return { exitCode: ExitCode ?? 1, output: demultiplex(Buffer.concat(chunks)) };
  } catch (error) {
    if (ABSENT.has(statusOf(error))) return undefined;
    throw toEngineError(error, `cannot run ${command[0] ?? ''} in ${container}`);
  }
};
