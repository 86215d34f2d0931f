import type { Described } from './described.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const wordsOf = (all: readonly Described[], { name, options }: Described): string => {
  const prefix = name === '' ? '' : `${name} `;
  const children = all
    .filter((other) => other.name !== '' && other.name.startsWith(prefix))
    .map((other) => other.name.slice(prefix.length))
    .filter((rest) => !rest.includes(' '));
  return [...children, ...options.flatMap(({ flags }) => flags)].join(' ');
};

/**
 * For bash-completion: the commands and options that the argument parser knows; the value of an option is a
 * file's name.
 */
export const renderBashCompletion = (all: readonly Described[]): string => {
  const valued = [
    ...new Set(all.flatMap(({ options }) => options.flatMap((o) => (o.takesValue ? o.flags : [])))),
  ].toSorted();
  const cases = all
    .toSorted((a, b) => b.name.length - a.name.length)
    .map((each) => `        ${quoted(each.name)}) words=${quoted(wordsOf(all, each))} ;;`);
  const names = all.map(({ name }) => quoted(name)).join('|');
  return `\
# bash completion of supercargo; made by its package from the program's own arguments.
_supercargo() {
    local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command='' words='' i
    COMPREPLY=()
    case $previous in
        --instance)
            # shellcheck disable=SC2207
            COMPREPLY=($(compgen -W "$(cd /etc/supercargo 2>/dev/null && dirname */agent.env)" -- "$current"))
            return ;;
        ${valued.filter((flag) => flag !== '--instance').join('|')})
            compopt -o default
            return ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "\${command:+$command }\${COMP_WORDS[i]}" in
            ${names}) command="\${command:+$command }\${COMP_WORDS[i]}" ;;
        esac
    done
    case $command in
${cases.join('\n')}
    esac
    # shellcheck disable=SC2207
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _supercargo supercargo
`;
};
