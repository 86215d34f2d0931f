import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Clients } from '../../../../src/adapters/docker/connect.ts';
import { demultiplex, runIn } from '../../../../src/adapters/docker/exec.ts';

const signal = new AbortController().signal;

const frame = (stream: 1 | 2, words: string): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(Buffer.byteLength(words), 4);
  return Buffer.concat([header, Buffer.from(words)]);
};

const clientsOf = (chunks: readonly Buffer[], ExitCode: number | null, asked: unknown[] = []): Clients =>
  ({
    docker: {
      getContainer: (name: string) => ({
        exec: async ({ _body }: { _body: object }) => {
          asked.push({ name, ..._body });
          return Promise.resolve({
            start: async () => Promise.resolve(Readable.from(chunks)),
            inspect: async () => Promise.resolve({ ExitCode }),
          });
        },
      }),
    },
  }) as unknown as Clients;

const refusing = (statusCode: number | undefined): Clients =>
  ({
    docker: {
      getContainer: () => ({
        exec: async () => Promise.reject(Object.assign(new Error('refused'), { statusCode })),
      }),
    },
  }) as unknown as Clients;

describe('what a program wrote', () => {
  it('is both its streams in their order, of as many bytes as was said', () => {
    const text = demultiplex(Buffer.concat([frame(1, 'größer\n'), frame(2, ''), frame(2, 'bad\n')]));
    expect(text).toBe('größer\nbad\n');
  });

  it('ends where the last frame was torn', () => {
    expect(demultiplex(Buffer.concat([frame(1, 'whole\n'), frame(1, 'torn').subarray(0, 10)]))).toBe(
      'whole\nto',
    );
    expect(demultiplex(Buffer.from([1, 0, 0]))).toBe('');
  });
});

describe('a program in a container', () => {
  it('comes back with its exit code and its words, whatever the chunks they came in', async () => {
    const bytes = Buffer.concat([frame(2, 'line 3: unknown keyword\n'), frame(2, 'fatal errors\n')]);
    const asked: unknown[] = [];
    const clients = clientsOf([bytes.subarray(0, 5), bytes.subarray(5)], 1, asked);
    expect(await runIn(clients, 'test-edge-e1', ['haproxy', '-c'], signal)).toEqual({
      exitCode: 1,
      output: 'line 3: unknown keyword\nfatal errors\n',
    });
    expect(asked).toEqual([
      { name: 'test-edge-e1', Cmd: ['haproxy', '-c'], AttachStdout: true, AttachStderr: true },
    ]);
  });

  it('whose end the engine does not know has failed', async () => {
    expect(await runIn(clientsOf([], null), 'c', ['true'], signal)).toEqual({ exitCode: 1, output: '' });
  });

  it.each([404, 409])('is not run where there is none, or it stands still: %i', async (statusCode) => {
    expect(await runIn(refusing(statusCode), 'c', ['true'], signal)).toBeUndefined();
  });

  it('fails with the engine', async () => {
    await expect(runIn(refusing(500), 'c', ['haproxy', '-c'], signal)).rejects.toMatchObject({
      code: 'ENGINE',
      message: expect.stringContaining('cannot run haproxy in c') as string,
    });
  });
});
