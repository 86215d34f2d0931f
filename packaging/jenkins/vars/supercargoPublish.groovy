import groovy.transform.Field

/**
 * Publishes versions to an environment from a Jenkins pipeline, and waits until its hosts run them.
 * What it takes is in supercargoPublish.txt ("Global Variable Reference" in Jenkins), examples are in the README beside it.
 *
 * Every value is checked against a pattern, and then quoted for the shell one by one: neither a branch name nor a build
 * parameter can become a command. Credentials are bound and reach the container as files and by the environment, so that they are
 * on no command line and in no log.
 */

/** Kinds of values. What the program itself judges (that a tag exists, that a duration is sensible) is left to it. */
@Field final Map PATTERNS = [
  environment: '[a-z0-9][a-z0-9_-]{0,62}',
  service: '[A-Za-z0-9][A-Za-z0-9._-]{0,62}',
  version: '[A-Za-z0-9_][A-Za-z0-9._:/@-]{0,511}',
  store: '(?:https?://[A-Za-z0-9.:\\[\\]-]+(?:/[A-Za-z0-9._~%/-]*)?|/[A-Za-z0-9._/ -]+)',
  image: '[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}',
  duration: '[0-9]{1,6}[smhd](?:[0-9]{1,6}[smhd]){0,3}',
  rollout: '[0-9]{1,6}[smhd](?::[0-9]{1,3}(?:\\.[0-9]{1,6})?%)?',
  number: '[0-9]{1,16}',
  base: '[0-9]{1,16}|none',
  platform: '[a-z0-9_.-]+/[a-z0-9_.-]+(?:/[a-z0-9_.-]+)?',
  labels: '[A-Za-z0-9._/-]{1,63}=[A-Za-z0-9._/-]{1,63}(?:,[A-Za-z0-9._/-]{1,63}=[A-Za-z0-9._/-]{1,63}){0,31}',
  onFailure: 'rollback|freeze|none',
  ending: 'error|unstable',
  credential: '[^\\p{Cntrl}]{1,250}',
  path: '[^\\p{Cntrl}:,]{1,1000}',
  argument: '[^\\p{Cntrl}]{1,1000}',
  // A first dash could be taken for an option.
  reason: '[^\\p{Cntrl}-][^\\p{Cntrl}]{0,999}',
]

/** Parameters that are options of the command with one value: which, and of which kind. */
@Field final Map OPTIONS = [
  timeout: ['--timeout', 'duration'],
  expires: ['--expires', 'duration'],
  rollout: ['--rollout', 'rollout'],
  serial: ['--serial', 'number'],
  toSerial: ['--to-serial', 'number'],
  waitWhere: ['--wait-where', 'labels'],
  maxFailed: ['--max-failed', 'number'],
  onFailure: ['--on-failure', 'onFailure'],
  base: ['--base', 'base'],
  urgent: ['--urgent', 'reason'],
]

/** Parameters that are files on the Jenkins agent, relative to the current folder: shown to the container, read-only. */
@Field final Map FILES = [hosts: '--hosts', trust: '--trust', ca: '--ca']

/** Those of them that only a wait has: left out where there is none, so that a call can be tried with `dryRun: true`. */
@Field final List OF_A_WAIT = ['timeout', 'waitWhere', 'maxFailed', 'onFailure', 'hosts']

@Field final List OTHERS = ['environment', 'services', 'promote', 'rollback', 'to', 'key', 'keys', 'publishToken',
  'readToken', 'image', 'wait', 'retry', 'platforms', 'singleWriter', 'create', 'adoptUnverified', 'after', 'anyway', 'dryRun', 'onFailed', 'onTimedOut', 'dockerArguments']

/** @return [code: exit code, outcome: 'converged', 'published', 'failed' or 'timed out', message: one sentence] */
Map call(Map settings) {
  if (!isUnix()) error('supercargoPublish needs an agent with a POSIX shell and Docker')
  List known = OTHERS + (OPTIONS.keySet() as List) + (FILES.keySet() as List)
  for (name in new ArrayList(settings.keySet())) {
    if (!known.contains(name.toString())) error("supercargoPublish has no parameter \"${name}\": it takes ${known.join(', ')}")
  }
  String failed = one('onFailed', 'ending', settings.onFailed ?: 'error')
  String timedOut = one('onTimedOut', 'ending', settings.onTimedOut ?: 'error')
  List command = commandOf(settings)
  List keys = keysOf(settings)
  String script = scriptOf(settings, command, keys)
  String title = "supercargo ${command.join(' ')}"

  int code = 1
  withCredentials(bindingsOf(settings, keys)) {
    code = sh(label: title, script: script, returnStatus: true) as int
  }
  return conclude(code, settings, failed, timedOut)
}

/** The words after `supercargo`, without keys and files: each one a word, whatever is in it. */
private List commandOf(Map settings) {
  String environment = one('environment', 'environment', settings.environment)
  boolean isRollback = settings.rollback == true
  if (isRollback && settings.promote) error('supercargoPublish: give either promote or rollback')
  String verb = isRollback ? 'rollback' : settings.promote ? 'promote' : 'publish'
  if (isRollback && (settings.urgent || settings.after == true)) {
    error('supercargoPublish: a rollback is urgent by itself, leave urgent and after out')
  }
  List words = [verb]
  if (isWaiting(settings)) words << '--wait'
  if (settings.singleWriter == true) words << '--single-writer'
  if (settings.create == true && verb != 'rollback') words << '--create'
  if (settings.adoptUnverified == true) words << '--adopt-unverified'
  if (settings.after == true) words << '--after'
  if (settings.anyway == true) words << '--anyway'
  if (settings.dryRun == true) words << '--dry-run'
  for (name in new ArrayList(OPTIONS.keySet())) {
    if (isGiven(settings, name)) words += [OPTIONS[name][0], one(name, OPTIONS[name][1], settings[name])]
  }
  for (platform in many('platforms', 'platform', settings.platforms ?: [])) words += ['--platform', platform]
  for (service in many('retry', 'service', settings.retry ?: [])) words += ['--retry', service]
  // After it nothing is an option, whatever it looks like.
  words << '--'
  if (verb == 'promote') words << one('promote', 'environment', settings.promote)
  words << environment
  words += servicesOf(settings, verb)
  return words
}

private boolean isWaiting(Map settings) {
  return settings.wait != false && settings.dryRun != true
}

private boolean isGiven(Map settings, String name) {
  // --after waits too, before it publishes.
  boolean isOfAfter = name == 'timeout' && settings.after == true
  return settings[name] != null && (isWaiting(settings) || isOfAfter || !OF_A_WAIT.contains(name))
}

private List servicesOf(Map settings, String verb) {
  def services = settings.services
  if (verb == 'rollback') {
    if (services) error('supercargoPublish: a rollback takes all services back, leave services out')
    return []
  }
  if (verb == 'promote') return services ? many('services', 'service', services) : []
  if (services == null && settings.retry) return []
  if (!(services instanceof Map) || services.isEmpty()) {
    error("supercargoPublish needs services, for example services: [web: '1.2.3']")
  }
  List words = []
  for (name in new ArrayList(services.keySet())) {
    words << one('services', 'service', name) + '=' + one("services.${name}", 'version', services[name])
  }
  return words
}

private List keysOf(Map settings) {
  if (settings.key && settings.keys) error('supercargoPublish: give either key or keys')
  def keys = settings.keys ?: settings.key
  if (!keys) error('supercargoPublish needs key: the id of a "secret file" credential with the signing key')
  return many('key', 'credential', keys)
}

private List bindingsOf(Map settings, List keys) {
  List bindings = []
  for (int at = 0; at < keys.size(); at++) {
    bindings << file(credentialsId: keys[at], variable: "SUPERCARGO_KEY_FILE_${at + 1}".toString())
  }
  for (pair in [['publishToken', 'SUPERCARGO_PUBLISH_TOKEN'], ['readToken', 'SUPERCARGO_READ_TOKEN']]) {
    if (settings[pair[0]]) {
      bindings << string(credentialsId: one(pair[0], 'credential', settings[pair[0]]), variable: pair[1])
    }
  }
  return bindings
}

/** One shell command. What is not quoted is `[shell: …]`: ours, never made from a parameter, and naming variables of the shell. */
private String scriptOf(Map settings, List command, List keys) {
  String store = one('to', 'store', settings.to ?: env.SUPERCARGO_STORE)
  String image = one('image', 'image', settings.image ?: env.SUPERCARGO_IMAGE ?: 'supercargo')
  // --init: an aborted build ends the container at once.
  List run = ['docker', 'run', '--rm', '--init', '--entrypoint', 'supercargo', '--user', [shell: '"$(id -u):$(id -g)"']]
  // Names only: docker takes the values from its own environment.
  for (name in ['NO_COLOR', 'JOB_NAME', 'BUILD_NUMBER', 'BUILD_URL', 'SUPERCARGO_PUBLISH_TOKEN', 'SUPERCARGO_READ_TOKEN']) {
    run += ['--env', name]
  }
  // The logins that `docker login` and `docker.withRegistry` leave behind: who asks the registry for digests needs them too.
  run += ['--env', 'DOCKER_CONFIG=/run/supercargo/docker',
          '--volume', [shell: '"${DOCKER_CONFIG:-$HOME/.docker}:/run/supercargo/docker:ro"']]
  List words = ['--to', store]
  if (store.startsWith('/')) run += ['--volume', "${store}:${store}".toString()]
  for (int at = 1; at <= keys.size(); at++) {
    run += ['--volume', [shell: "\"\$SUPERCARGO_KEY_FILE_${at}:/run/supercargo/${at}.key:ro\""]]
    words += ['--key', "/run/supercargo/${at}.key".toString()]
  }
  for (name in new ArrayList(FILES.keySet())) {
    if (!isGiven(settings, name)) continue
    String path = one(name, 'path', settings[name])
    String source = path.startsWith('/') ? path : "${pwd()}/${path}"
    run += ['--volume', "${source}:/run/supercargo/${name}:ro".toString()]
    words += [FILES[name], "/run/supercargo/${name}".toString()]
  }
  run += settings.dockerArguments ? many('dockerArguments', 'argument', settings.dockerArguments) : []
  List all = run + [image, command[0]] + words + command.tail()
  List quoted = []
  for (word in all) quoted << (word instanceof Map ? word.shell : quote(word.toString()))
  // A first line of our own: Jenkins' shell would repeat the command with -x, once more than anybody wants to read it.
  return "#!/bin/sh\nexport NO_COLOR=1\nmkdir -p \"\${DOCKER_CONFIG:-\$HOME/.docker}\"\nexec ${quoted.join(' ')}\n"
}

/** For a POSIX shell: nothing is special between single quotes. */
private String quote(String word) {
  return "'" + word.replace("'", "'\\''") + "'"
}

/** A value as text, if it is what it should be: `matches` takes the whole text, so that no second line slips through. */
private String one(String name, String kind, Object value) {
  if (value == null) error("supercargoPublish needs ${name}")
  String text = value.toString()
  if (!text.matches(PATTERNS[kind] as String)) error("supercargoPublish: ${name} is not valid: \"${text.take(80).replaceAll('\\p{Cntrl}', '?')}\"")
  return text
}

private List many(String name, String kind, Object values) {
  List texts = []
  for (value in (values instanceof Collection ? values as List : [values])) texts << one(name, kind, value)
  return texts
}

private Map conclude(int code, Map settings, String failed, String timedOut) {
  String where = settings.environment
  boolean waited = isWaiting(settings)
  switch (code) {
    case 0:
      return [code: 0, outcome: waited ? 'converged' : 'published', message: "${where}: ${waited ? 'every host runs it' : 'done'}".toString()]
    case 3:
      return end(failed, code, 'failed', "${where}: hosts could not run it, a change is halted, or another publish came over it; the log above says which and why")
    case 5:
      String late = settings.after == true ?
        'the time is over; whether it was published by then, and what it waited for, is in the log above' :
        'published, but not every host runs it in time; which ones are silent is in the log above'
      return end(timedOut, code, 'timed out', "${where}: ${late}")
    case [125, 126, 127]:
      error("${where}: nothing was published: the container could not be started (docker run ended with ${code})")
    case [130, 137, 143]:
      error("${where}: stopped from outside (code ${code}); `supercargo fleet ${where}` says where the hosts are")
    default:
      error("${where}: supercargo ended with ${code}; what to do is in the log above")
  }
}

private Map end(String ending, int code, String outcome, Object message) {
  String text = message.toString()
  if (ending == 'error') error(text)
  unstable(text)
  return [code: code, outcome: outcome, message: text]
}
