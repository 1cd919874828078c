# U-Boot: the kernel and device tree of the chosen slot, from the first partition of the card.
setenv bootargs "${bootargs} console=ttyS0,115200"
load mmc 0:1 ${kernel_addr_r} vmlinuz
load mmc 0:1 ${fdt_addr_r} am335x-boneblack.dtb
load mmc 0:1 ${ramdisk_addr_r} initrd.img
bootz ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr_r}
