#!/bin/bash
# Inside the root: run a dialplan on the real Asterisk and print its global variables. See dialplan.py.
#   dialplan.sh FOLDER     FOLDER/extensions.conf; FOLDER/starts: contexts to begin in, one after the other
cp "$1/extensions.conf" /etc/asterisk/extensions.conf
rm -f /etc/asterisk/extensions.ael /etc/asterisk/extensions.lua /etc/asterisk/users.conf
{
  printf '[modules]\nautoload=no\n'
  for name in pbx_config res_clioriginate res_agi res_crypto app_stack app_exec app_while app_if app_verbose \
    app_userevent func_aes func_base64 func_callerid func_channel func_cut func_dialplan func_env func_evalexten \
    func_export func_extstate func_global func_iconv func_json func_logic func_math func_md5 func_rand \
    func_sayfiles func_sha1 func_sprintf func_strings func_timeout func_uri; do
    echo "load=$name.so"
  done
} > /etc/asterisk/modules.conf
asterisk -f -q -n >/dev/null 2>&1 &
ask() { asterisk -rx "$1" 2>/dev/null; }
for _ in $(seq 60); do
  sleep 0.3
  ask "core waitfullybooted" | grep -q "fully booted" && break
done
while read -r context; do
  ask "channel originate Local/s@$context application Wait 1" >/dev/null
done < "$1/starts"
for _ in $(seq 100); do
  sleep 0.2
  ask "dialplan show globals" | grep -q "^   DONE=" && break
done
sleep 2
ask "dialplan show globals"
