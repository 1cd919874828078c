# U-Boot: choose a slot, count its starts, start it. Words @THIS@ are filled in when the image is made.
#
# BOOT_ORDER, BOOT_A_LEFT and BOOT_B_LEFT are what RAUC writes; they lie with a check sum in one sector of the disk ahead
# of the first partition, and one sector is written whole or not at all. A slot that did not get as far as saying "good"
# within three starts is passed over; when none is left, all count as new again.
setexpr env_addr ${scriptaddr} + 0x100000
# The kernel is larger than the room that some boards' default addresses leave for it.
setexpr disk_addr ${kernel_addr_r} + 0x6000000
if test -z "${fdt_addr}"; then setenv fdt_addr ${fdtcontroladdr}; fi
if test "${devtype}" = mmc; then mmc dev ${devnum}; fi
if test "${devtype}" = virtio; then virtio dev ${devnum}; fi
if test "${devtype}" = usb; then usb dev ${devnum}; fi

setenv BOOT_ORDER
setenv BOOT_A_LEFT
setenv BOOT_B_LEFT
if ${devtype} read ${env_addr} @ENV_BLOCK@ 1; then
  env import -c ${env_addr} 0x200 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
fi
test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "A B"
test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 3
test -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 3

setenv slot
for try in 1 2; do
  for name in ${BOOT_ORDER}; do
    if test -z "${slot}"; then
      if test "${name}" = A; then
        if test ${BOOT_A_LEFT} -gt 0; then setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1; setenv slot A; setenv part 2; fi
      fi
      if test "${name}" = B; then
        if test ${BOOT_B_LEFT} -gt 0; then setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1; setenv slot B; setenv part 3; fi
      fi
    fi
  done
  if test -z "${slot}"; then
    echo "offhook: no slot has starts left: all begin anew"
    setenv BOOT_A_LEFT 3
    setenv BOOT_B_LEFT 3
  fi
done
env export -c -s 0x200 ${env_addr} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
${devtype} write ${env_addr} @ENV_BLOCK@ 1

echo "offhook: starting slot ${slot} (left: A ${BOOT_A_LEFT}, B ${BOOT_B_LEFT})"
setenv bootargs "root=PARTUUID=@DISK_ID@-0${part} rauc.slot=${slot} @COMMAND_LINE@ ${offhook_words}"
if load ${devtype} ${devnum}:${part} ${kernel_addr_r} /boot/vmlinuz; then
  if load ${devtype} ${devnum}:${part} ${disk_addr} /boot/initrd.img; then
    booti ${kernel_addr_r} ${disk_addr}:${filesize} ${fdt_addr}
  fi
fi
echo "offhook: slot ${slot} does not start"
sleep 2
reset
