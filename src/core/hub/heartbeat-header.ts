/**
 * The header of a store that takes heartbeats: it answers a report with this header, the value `yes` and an
 * ETag. Then a PUT with this header, that ETag in If-Match, no body, and the count of the agent's requests
 * and reports in `SEQ_HEADER` says that the report is still true. 204: delivered. 412: send the whole report.
 * A store without this header would keep an empty document instead.
 */
export const HEARTBEAT_HEADER = 'supercargo-heartbeat';
export const SEQ_HEADER = 'supercargo-seq';

/** The value of `HEARTBEAT_HEADER`, of an answer and of a heartbeat. */
export const HEARTBEAT_YES = 'yes';
