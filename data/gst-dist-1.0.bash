# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of gst-dist-1.0 for bash; for zsh after "autoload -U bashcompinit && bashcompinit". What there is to
# complete comes from the command's own help, so that it is never out of date.

# _gst_dist_options PROGRAM COMMAND: its options, one in each line, with "=" behind those that need a value.
_gst_dist_options() {
  "$1" "$2" --help 2>/dev/null | sed -nE 's/=\[.*//; s/^  (-[a-z], )?(--[a-z-]+=?).*/\2/p'
}

_gst_dist() {
  local program=$1 word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command=${COMP_WORDS[1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    local commands
    commands=$("$program" --help 2>/dev/null | sed -nE 's/^  ([a-z]+) .*/\1/p')
    mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
    return
  fi
  # Bash takes "--option=value" for three words.
  local assigned=
  if [[ $word == = ]]; then
    word='' assigned=1
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]} assigned=1
  fi
  # A word of its own after it is no value of it.
  [[ $assigned && $previous == --thumbnails ]] && return
  if [[ $command == store && $previous == store && $word != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W 'ls du check gc export import' -- "$word")
    return
  fi
  case $previous in
    --audio) mapfile -t COMPREPLY < <(compgen -W 'each separate' -- "$word") ;;
    --ladder) mapfile -t COMPREPLY < <(compgen -W 'h264 hevc vp9 av1 mezzanine' -f -- "$word") ;;
    --connect | --listen | --encoders | --limit | --local-workers | --max-memory | --max-pixels | --max-segment-duration | --name | --pause-when-busy | \
      --stall-timeout | \
      --rendition | -r | --slots | --threshold) ;;
    *)
      if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_gst_dist_options "$program" "$command")" -- "$word")
        [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
      elif [[ $command != status && $command != worker || $previous == --secret-file || $previous == --store ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        compopt -o filenames
      fi
      ;;
  esac
}

complete -F _gst_dist gst-dist-1.0
