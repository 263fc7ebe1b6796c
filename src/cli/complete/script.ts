// The scripts for bash and zsh. Of our own: what is typed is not run, what is answered is not expanded, and words may hold the letters at which bash breaks
// words, as e-mail addresses do.

export function printBash(name: string): string {
  const own = `_${name.replaceAll(/\W/gu, "_")}_complete`;
  return `# bash completion for ${name}
${own}() {
  local line=\${COMP_LINE:0:COMP_POINT} part head value last=
  COMPREPLY=()
  line=\${line#*"\${COMP_WORDS[0]}"}
  part=\${line##*[[:space:]]}
  [[ $part == -*=* ]] && part=\${part#*=}
  if [[ $part == [\\"\\']* ]]; then
    # Between quotes a word is one.
    part=\${part:1} head=
  else
    head=\${part%"\${part##*["$COMP_WORDBREAKS"]}"}
    # What begins a host's name, as bash has it, is replaced with it.
    head=\${head%@}
  fi
  while IFS=$'\\t' read -r value _; do
    last=$value
    [[ $value != :* && $value == "$part"* ]] && COMPREPLY+=("\${value#"$head"}")
  done < <("\${COMP_WORDS[0]/#\\~/$HOME}" complete --line "$line" 2>/dev/null)
  if [[ $last != :0 ]]; then
    compopt +o default +o bashdefault 2>/dev/null
  fi
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[=/,] ]]; then
    compopt -o nospace 2>/dev/null
  fi
  return 0
}
complete -o bashdefault -o default -F ${own} ${name}`;
}

export function printZsh(name: string): string {
  const own = `_${name.replaceAll(/\W/gu, "_")}_complete`;
  return `#compdef ${name}
# zsh completion for ${name}
${own}() {
  local -a offers
  local value about last=
  while IFS=$'\\t' read -r value about; do
    last=$value
    [[ $value == :* ]] || offers+=("\${value//:/\\\\:}:$about")
  done < <("\${words[1]/#\\~/$HOME}" complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  [[ \${words[CURRENT]} == -*=* ]] && compset -P '*='
  if (( \${#offers} )); then
    if [[ \${#offers} -eq 1 && \${offers[1]%%:*} == *[=/,] ]]; then
      _describe '${name}' offers -S ''
    else
      _describe '${name}' offers
    fi
  elif [[ $last == :0 ]]; then
    _files
  fi
}
# Loaded by name out of $fpath, it is the function itself.
if [[ \${funcstack[1]} == _${name} ]]; then
  ${own} "$@"
else
  compdef ${own} ${name}
fi`;
}
