/** The npm package systemd-notify 1.0.0 ships no types. It rejects with a plain string. */
declare module 'systemd-notify' {
  const notify: (options: {
    readonly ready?: true;
    readonly status?: string;
    readonly pid?: number;
  }) => Promise<unknown>;
  export = notify;
}
