#compdef mlts
# zsh completion for mlts. Load it with: source <(mlts completion zsh)

_mlts() {
  local -a typed lines values shown
  local line value text files=
  # (Q) takes the quotes off and runs nothing; PREFIX is the last word up to the cursor.
  typed=("${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}")
  lines=("${(@f)$(command "$typed[1]" __complete "${(@)typed[2,-1]}" 2>/dev/null </dev/null)}")
  for line in $lines; do
    value=${line%%$'\t'*} text=${line#*$'\t'}
    if [[ $value == ':files' ]]; then
      files=yes
      continue
    fi
    values+=("$value")
    shown+=("${value}${text:+  -- $text}")
  done
  if (( $#values )); then
    if [[ $values[1] == *[=/] ]]; then
      compadd -l -S '' -d shown -a values
    else
      compadd -l -d shown -a values
    fi
  fi
  if [[ -n $files ]]; then
    [[ $PREFIX == [^/]#=* ]] && compset -P '*='
    _files
  fi
}

(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
if [[ $funcstack[1] == _mlts ]]; then
  _mlts "$@"
else
  compdef _mlts mlts
fi
