/** Waits for a promise, or rejects with the signal's reason. The promise itself continues. */
export const orAborted = async <T>(asked: Promise<T>, signal: AbortSignal): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(signal.reason as Error);
  if (signal.aborted) giveUp();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([promise, asked]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
};
