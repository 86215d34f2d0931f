import { anyOf } from './any-of.ts';

/**
 * Error texts about a setting that the engine will never accept, at create or start: of engines 20.10 to 29,
 * runc and crun. Errors that may pass by themselves (a log server that is down, a busy host) must not match,
 * because they are tried again.
 */
export const REFUSED_SETTING = anyOf(
  // Limits.
  /range of cpus is from|cpus are not available|minimum (?:memory|kernel memory) limit/,
  /minimum allowed cpu-shares/,
  /(?:your )?kernel does not support|cannot be set, as your kernel/,
  /wrong rlimit value|error setting rlimit|invalid ulimit/,
  // Devices.
  /gathering device information|could not select device driver|unresolvable cdi devices/,
  /cdi device injection failed/,
  // Log drivers: their options, not the servers that they reach.
  /error looking up logging plugin|no log driver named|log opt/,
  /logging mode not supported|journald is not enabled/,
  new RegExp(
    'failed to initialize logging driver: (?!.*(?:dial|timeout|timed out|connection|no such host))' +
      '.*(?:invalid|parsing|unknown|must |required)',
  ),
  // Namespaces, security, kernel settings.
  /sysctl ".*" (?:is )?not |(?:open|write|write sysctl key) .*\/proc\/sys\/|sethostname: invalid/,
  /unknown capability|invalid (?:stop )?signal|invalid --security-opt/,
  /seccomp profile failed|apparmor failed to apply profile/,
  /unknown (?:or invalid )?runtime|uids and gids must be in range|not a shared mount|invalid tmpfs option/,
  // The engine's own checks of the request.
  /conflicting options|bad parameter|bad format for|duplicate mount point/,
  /must be absolute|needs to be an absolute path|supported only for/,
  /invalid (?!memory address)|\bunknown (?!error)\w|not supported|not available/,
);
