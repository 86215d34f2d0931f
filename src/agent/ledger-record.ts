import { toAgentError, type AgentError } from '../core/errors.ts';
import type { LedgerRead, LedgerStore } from '../core/ports/ledger-store.ts';
import { emptyLedger, type Ledger } from '../core/state/ledger.ts';

/** Why the ledger cannot be used. Containers stay as they are until an operator runs `recover`. */
export interface LedgerTrouble {
  readonly message: string;
  readonly advice: string;
  /** The ledger belongs to another environment, so `recover` refuses it. */
  readonly isForeign?: true;
}

type Change = (ledger: Ledger) => Ledger;

interface Waiting {
  readonly change: Change;
  /** The change counts even if it cannot be written. */
  readonly isForced: boolean;
  readonly settle: (failure: AgentError | undefined) => void;
}

/**
 * The ledger in memory and on disk. A change counts once it is durable. Changes during a write share the next
 * one, so that twenty services do not cost twenty fsyncs.
 */
export const createRecord = (store: LedgerStore, environment: string) => {
  let ledger = emptyLedger(environment);
  let trouble: LedgerTrouble | undefined;
  let isMissing = false;
  let isUnread = true;
  let waiting: Waiting[] = [];
  let isWriting = false;

  const apply = (batch: readonly Waiting[]): Ledger => batch.reduce((l, { change }) => change(l), ledger);

  const flush = async (): Promise<void> => {
    if (isWriting) return;
    isWriting = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const next = apply(batch);
      let failure: AgentError | undefined;
      try {
        if (next !== ledger) await store.write(next);
        ledger = next;
      } catch (error) {
        failure = toAgentError(error);
        ledger = apply(batch.filter((w) => w.isForced));
      }
      for (const { settle } of batch) settle(failure);
    }
    isWriting = false;
  };

  const enqueue = (change: Change, isForced: boolean): Promise<AgentError | undefined> => {
    const { promise, resolve } = Promise.withResolvers<AgentError | undefined>();
    waiting.push({ change, isForced, settle: resolve });
    // Not `writing ??= flush()`: a batch that changes nothing ends before the assignment, which then stays.
    void flush();
    return promise;
  };

  const recoverAdvice =
    'run `supercargo recover`: it rebuilds the ledger from what runs here, after showing what it assumes';

  const troubleOf = (read: LedgerRead): LedgerTrouble | undefined => {
    switch (read.kind) {
      case 'unreadable':
        return { message: `${store.path} cannot be used: ${read.message}`, advice: recoverAdvice };
      case 'foreign':
        return {
          message: `${store.path} cannot be used: it is the ledger of environment ${read.environment}`,
          advice:
            'give each environment of this host a SUPERCARGO_STATE_DIR and a SUPERCARGO_SOCKET of its own',
          isForeign: true,
        };
      case 'ok':
      case 'missing':
        return undefined;
    }
  };

  const load = async (): Promise<void> => {
    const read = await store.read();
    isUnread = false;
    isMissing = read.kind === 'missing';
    trouble = troubleOf(read);
    ledger = read.kind === 'ok' ? read.ledger : emptyLedger(environment);
  };

  return {
    current: (): Ledger => ledger,
    trouble: (): LedgerTrouble | undefined => trouble,

    /**
     * Reads the file. `settle` judges a missing one, once it is known whether containers of ours exist.
     * @throws AgentError STATE_DIR if the folder cannot be used; `settle` tries again.
     */
    load,

    /** Whether the ledger is missing and not judged yet, or was never read. */
    isUndecided: (): boolean => isMissing || isUnread,

    /**
     * Reads the file if that failed before (`read`). A missing ledger is lost if containers of ours exist;
     * otherwise the host is new, and the writer creates the ledger.
     * @throws AgentError STATE_DIR
     */
    settle: async (
      hasContainers: boolean,
      isWriter: boolean,
    ): Promise<'read' | 'created' | 'lost' | 'known'> => {
      const hadFailed = isUnread;
      if (hadFailed) await load();
      if (!isMissing) return hadFailed ? 'read' : 'known';
      if (hasContainers) {
        trouble = {
          message: `${store.path} is missing, but containers of ${environment} exist: it was lost`,
          advice: recoverAdvice,
        };
        isMissing = false;
        return 'lost';
      }
      if (!isWriter) return 'known';
      await store.write(ledger);
      isMissing = false;
      trouble = undefined;
      return 'created';
    },

    /** The state folder cannot be used; reported until `settle` succeeds. */
    fail: (error: AgentError): void => {
      trouble = { message: error.message, advice: error.advice ?? '' };
    },

    /** Settles when the change is durable. @throws AgentError STATE_DIR if nothing was changed. */
    update: async (change: Change): Promise<void> => {
      const failure = await enqueue(change, false);
      if (failure) throw failure;
    },

    /**
     * Like `update`, but the change counts even if the write fails: restoring service needs no disk. Returns
     * the failure.
     */
    force: (change: Change): Promise<AgentError | undefined> => enqueue(change, true),

    /** Replaces the whole ledger, for `recover`. */
    replace: async (next: Ledger): Promise<void> => {
      await store.write(next);
      ledger = next;
      trouble = undefined;
      isMissing = false;
      isUnread = false;
    },
  };
};

export type LedgerRecord = ReturnType<typeof createRecord>;
