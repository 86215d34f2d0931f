/*
 * Runs pipeline code outside Jenkins, with the Groovy that Jenkins has. Standard input, JSON:
 *   {library, jenkinsfile, folder, cases: [{settings (of the step; absent: the whole Jenkinsfile), env, params, branch}]}
 * Standard output: for each case what happened, in order. Steps are stubs, except that `sh` runs its script in a real shell.
 */
import groovy.json.JsonOutput
import groovy.json.JsonSlurper

class BuildFailed extends RuntimeException {
  BuildFailed(String message) { super(message) }
}

/** What both the step and the Jenkinsfile can call. A name that is not here fails the case. */
abstract class Pipeline extends Script {
  static Map scene
  static List events
  static File folder
  static Script step

  Map getEnv() { scene.env }
  Map getParams() { scene.params ?: [:] }
  Map getDocker() { [withRegistry: { String url, String id, Closure body -> events << [registry: id]; runIn(body) }] }
  String pwd() { folder.path }
  boolean isUnix() { true }
  void error(Object message) { throw new BuildFailed(message.toString()) }
  void unstable(Object message) { events << [unstable: message.toString()]; scene.isUnstable = true }
  void input(Map question) { events << [input: question.message] }
  void milestone(int number) {}

  Map string(Map binding) { binding + [value: "secret of ${binding.credentialsId}".toString()] }
  Map file(Map binding) {
    File secret = new File(folder, "bound ${binding.credentialsId}")
    secret.text = 'the key'
    binding + [value: secret.path]
  }
  Object withCredentials(List bindings, Closure body) {
    events << [bound: bindings.collect { it.credentialsId }]
    scene.bound = bindings.collectEntries { [it.variable, it.value] }
    try { return body.call() } finally { scene.bound = [:] }
  }

  Object supercargoPublish(Map settings) {
    def result = step.call(settings)
    events << [result: result]
    result
  }

  Object sh(String script) { sh(script: script) }
  Object sh(Map options) {
    Map variables = System.getenv() + scene.env + (scene.bound ?: [:]) +
      [PATH: "${folder.path}/bin:${System.getenv('PATH')}", HOME: folder.path, DOCKER_CONFIG: "${folder.path}/docker"]
    File script = new File(folder, 'script')
    script.text = options.script
    List shell = options.script.startsWith('#!') ? ['/bin/sh'] : ['/bin/sh', '-xe']
    Process child = (shell + script.path).execute(variables.collect { "${it.key}=${it.value}".toString() }, folder)
    StringBuffer output = new StringBuffer()
    child.waitForProcessOutput(output, output)
    File given = new File(folder, 'given')
    List words = given.exists() ? given.text.tokenize('\0') : []
    given.delete()
    events << [sh: (options.label ?: options.script).toString(), script: options.script.toString(), given: words, output: output.toString()]
    if (options.returnStatus) return child.exitValue()
    if (child.exitValue() != 0) error("script returned exit code ${child.exitValue()}")
  }

  Object runIn(Closure body, Object delegate = this) {
    body.delegate = delegate
    body.resolveStrategy = Closure.DELEGATE_FIRST
    body.call()
  }

  // The declarative part. `agent`, `options` and `parameters` say where and when, and run nothing here.
  void pipeline(Closure body) { runIn(body) }
  void stages(Closure body) { runIn(body) }
  void steps(Closure body) { runIn(body) }
  void script(Closure body) { runIn(body) }
  void environment(Closure body) { runIn(body, new Variables(env: scene.env)) }
  void agent(Object where) {}
  void options(Closure body) {}
  void parameters(Closure body) {}
  Object getNone() { null }
  void when(Closure body) { throw new IllegalStateException('when outside a stage') }
  void stage(String name, Closure body) {
    Stage looked = new Stage(pipeline: this)
    runIn(body, looked)
    // As with skipStagesAfterUnstable.
    if (!looked.isWanted || scene.isUnstable) { events << [skipped: name]; return }
    events << [stage: name]
    runIn(body, new RunningStage(pipeline: this))
  }
}

class Variables {
  Map env
  void setProperty(String name, Object value) { this.@env[name] = value.toString() }
  Object getProperty(String name) { name == 'env' ? this.@env : this.@env[name] }
}

/** A stage whose conditions are looked at, before anything of it runs. */
class Stage {
  Pipeline pipeline
  boolean isWanted = true
  void agent(Object where) {}
  void options(Closure body) {}
  void steps(Closure body) {}
  void stages(Closure body) {}
  void when(Closure body) { pipeline.runIn(body, new Conditions(stage: this)) }
}

class Conditions {
  Stage stage
  void beforeAgent(boolean yes) {}
  void beforeInput(boolean yes) {}
  void branch(String name) { if (Pipeline.scene.branch != name) stage.isWanted = false }
  void expression(Closure condition) { if (!stage.pipeline.runIn(condition)) stage.isWanted = false }
}

class RunningStage {
  Pipeline pipeline
  void agent(Object where) {}
  void options(Closure body) {}
  void when(Closure body) {}
  void steps(Closure body) { pipeline.runIn(body) }
  void stages(Closure body) { pipeline.runIn(body) }
}

Map request = new JsonSlurper().parse(System.in)
def compiler = new org.codehaus.groovy.control.CompilerConfiguration(scriptBaseClass: 'Pipeline')
def shell = new GroovyShell(Pipeline.classLoader, new Binding(), compiler)
Pipeline.folder = new File(request.folder)
Pipeline.step = shell.parse(new File(request.library, 'vars/supercargoPublish.groovy'))
// Jenkins loads the library before the first line runs.
String jenkinsfile = new File(request.library, 'Jenkinsfile.example').text.replaceFirst(/@Library\('supercargo'\) _/, '')

List told = request.cases.collect { Map wanted ->
  Pipeline.scene = [env: [:] + (wanted.env ?: [:]), params: wanted.params, branch: wanted.branch]
  Pipeline.events = []
  try {
    if (wanted.settings) Pipeline.events << [result: Pipeline.step.call(wanted.settings)]
    else shell.parse(jenkinsfile, 'Jenkinsfile').run()
  } catch (BuildFailed failure) {
    Pipeline.events << [error: failure.message]
  }
  Pipeline.events
}
println JsonOutput.toJson(told)
