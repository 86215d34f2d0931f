/** How `SUPERCARGO_POLL` is read: five fields, or six with seconds; a day has to fit both its month and its week, as with node-cron. */
export const POLL_FORM = { mode: '5-or-6-parts', domAndDow: true } as const;
