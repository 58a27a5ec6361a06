# bash completion for mlts. Load it with: source <(mlts completion bash)

_mlts() {
  local rest=${COMP_LINE:0:COMP_POINT} words=() index word
  # bash cuts words at = and :, we put together again what no space parts.
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word=${COMP_WORDS[index]}
    if ((index == 0)) || [[ $rest == [[:space:]]* ]]; then
      rest=${rest#"${rest%%[![:space:]]*}"}
      words+=('')
    fi
    # Of the last word only what stands before the cursor.
    ((index == COMP_CWORD)) && word=$rest
    words[${#words[@]} - 1]+=$word
    rest=${rest#"$word"}
  done

  local current=${words[${#words[@]} - 1]} quote='' done_part breaks='=:'
  [[ $COMP_WORDBREAKS == *@* ]] && breaks='=:@'
  case $current in
    [\"\']*) quote=${current:0:1} done_part='' ;;
    # An @ belongs to the word that it begins.
    *[$breaks]*) done_part=${current%"${current##*[$breaks]}"} done_part=${done_part%@} ;;
    *) done_part='' ;;
  esac
  # Quotes are taken off by hand: nothing that was typed may be run.
  for index in "${!words[@]}"; do
    word=${words[index]//[\"\']/}
    words[index]=${word//\\/}
  done

  COMPREPLY=()
  local value description
  while IFS=$'\t' read -r value description; do
    if [[ $value == ':files' ]]; then
      compopt -o filenames
      while IFS= read -r value; do
        COMPREPLY+=("$value")
      done < <(compgen -f -- "${current#"$quote$done_part"}")
      continue
    fi
    [[ $value == *[=/] ]] && compopt -o nospace
    value=${value#"${done_part//\\/}"}
    [[ -n $quote ]] || printf -v value %q "$value"
    COMPREPLY+=("$value")
  done < <(command "${words[0]}" __complete "${words[@]:1}" 2>/dev/null </dev/null)
}

complete -F _mlts mlts
