import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

interface ClientError extends Error {
  readonly code?: string;
}

const ADVICE: Readonly<Record<number, readonly [message: string, advice: string]>> = {
  400: ['this is not valid HTTP', 'correct the client; the hub speaks TLS only with --tls-cert'],
  408: ['the request was too slow', 'send it within a minute, its headers within 10 seconds'],
  431: ['the headers are too large', 'send at most 16 KiB of headers'],
};

const statusOf = ({ code }: ClientError): number => {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  return code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
};

/** Answers what is no valid request in the form of all other errors, and ends the connection. */
export const answerClientError = (error: ClientError, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const status = statusOf(error);
  const [message = '', advice = ''] = ADVICE[status] ?? [];
  const body = `${JSON.stringify({ error: { code: 'malformed', message, advice } })}\n`;
  const head = [
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    'Connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
};
