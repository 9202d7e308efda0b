# shellcheck shell=bash
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Waits that the benchmarks share.

# wait_until PID COMMAND...: until the command succeeds; fails if the process ends before.
wait_until() {
  local pid=$1
  shift
  until "$@"; do
    kill -0 "$pid" 2>/dev/null || return 1
    read -rt 0.05 <> <(:) || true
  done
}

port_in() { sed -n 's/.*dist-listening.*port=(uint)\([0-9]*\).*/\1/p' "$1" | grep .; }

# port_of PID LOG: prints the port on which the primary listens, once its log of `gst-launch-1.0 -m` says so.
port_of() { wait_until "$1" port_in "$2"; }
