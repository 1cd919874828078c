#!/bin/bash
# Ask a real Asterisk, with everything loaded, for the names of what it registers: raw answers on standard output.
#   CONFORMANCE_ROOT=ROOT BIND=$PWD SHARED/conformance/run-ns.sh parity bash $PWD/tests/parity/collect.sh > raw.txt
#   python3 tests/parity/names.py raw.txt > tests/parity/asterisk-22.tsv
asterisk -f -g -q -m -n >/dev/null 2>&1 &
for _ in $(seq 30); do
  sleep 1
  asterisk -rx "core waitfullybooted" 2>/dev/null | grep -q "fully booted" && break
done
ask() { echo "@@@ $1"; asterisk -rx "$1" 2>/dev/null; }
for command in "core show applications" "core show functions" "manager show commands" "manager show events" \
  "core show help" "agi show commands" "module show"; do
  ask "$command"
done
for module in $(asterisk -rx "module show like res_pjsip" | awk '/\.so/{sub(/\.so.*/, ""); print}'); do
  for type in $(asterisk -rx "config show help $module" 2>/dev/null | sed -n 's/^\([a-z_]*\) *-- .*/\1/p'); do
    ask "config show help $module $type"
  done
done
asterisk -rx "core stop now" >/dev/null
