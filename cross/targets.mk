# Targets that build for other machines; included by the Makefile at the top.

AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo -E)
CROSS = $(AS_ROOT) env PYTHONPATH=.:host:kernel-shims PYTHONDONTWRITEBYTECODE=1 $(PYTHON)

.PHONY: guest-test guest-astribank guest-interop modules image bundle image-test power-cut-test pictures cross-fresh

$(STAMPS)/cross: host/tools/system.sh
	@host/tools/system.sh cross
	@mkdir -p $(STAMPS) && touch $@

guest-test: $(STAMPS)/cross ## lines of every kind on the real kernel drivers in emulated arm64 machines (ARGS="-k NAME")
	@$(CROSS) tests/guest/run.py $(ARGS)

guest-astribank: $(STAMPS)/cross ## a simulated Astribank on the real xpp drivers there: firmware, calls, unplugged and back
	@$(CROSS) tests/guest/run.py tests/guest/boxes $(ARGS)

guest-interop: $(STAMPS)/cross ## a real Asterisk (Debian unstable's) in the guest, at the other end of E1 cables
	@$(CROSS) tests/guest/run.py --asterisk tests/guest/interop $(ARGS)

modules: $(STAMPS)/cross ## DAHDI and mISDN modules for Debian's arm64 kernel
	@$(CROSS) -c 'from cross import kernel, modules; print(modules.tree(kernel.newest()))'

image: $(STAMPS)/cross ## an SD card image for BOARD=qemu-virt|rpi3|rpi4|rpi-zero2w
	@$(CROSS) -m cross.image image $(BOARD)

IMAGE_TEST = $(AS_ROOT) env PYTHONPATH=.:host:kernel-shims:tests:tests/image $(PY) -m pytest -x -v -s

image-test: $(STAMPS)/cross $(STAMPS)/test $(ENGINE) ## an image from first start to reset on an emulated board (CUTS=N power cuts; 3 else)
	@CUTS=$(or $(CUTS),3) $(IMAGE_TEST) tests/image $(ARGS)

power-cut-test: $(STAMPS)/cross $(STAMPS)/test $(ENGINE) ## the power goes CUTS (50) times while a box writes: nothing torn, nothing acknowledged lost
	@CUTS=$(or $(CUTS),50) $(IMAGE_TEST) tests/image/test_power_cuts.py

PICTURED = told_at_the_console or sets_the_box_up or asks_for_the_password or small_terminal or verbs

pictures: $(STAMPS)/cross $(STAMPS)/test $(ENGINE) ## the README's pictures: screens of an emulated box, plots of a bundle
	@$(IMAGE_TEST) tests/image/test_box.py -k "$(PICTURED)"
	@$(PY) -m pytest -q tests/browser/test_bundle_page.py
	@mkdir -p docs/pictures && cp build/pictures/*.svg docs/pictures/

bundle: $(STAMPS)/cross ## a signed update for BOARD= (OFFHOOK_SIGNING_CERT, OFFHOOK_SIGNING_KEY, OFFHOOK_KEYRING)
	@$(CROSS) -m cross.image bundle $(BOARD)

cross-fresh: ## forget which versions of Debian's packages were taken for the boards
	@$(CROSS) -c 'from cross import tools; tools.forget()'
