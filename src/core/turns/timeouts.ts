/**
 * How long host and store wait for each other. A change has to suit agents and hubs of the version before.
 */

/** A turn that has not begun for so long since the host asked is not begun any more: the host asks again. */
export const GRANT_MS = 60_000;

/**
 * How long a store that has just begun to hear hosts, or has lost its reports, waits for all of them before
 * it grants a turn: three report intervals.
 */
export const START_WAIT_MS = 180_000;

/** How long a store holds a request that waits for a place. Proxies end a silent request after 30 to 60 s. */
export const HOLD_MS = 25_000;

/** How long a host waits for the answer to a request, which the store may hold. */
export const ANSWER_MS = HOLD_MS + 15_000;
