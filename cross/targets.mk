# Targets that build for other machines; included by the Makefile at the top.

AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo -E)
CROSS = $(AS_ROOT) env PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1 $(PYTHON)

.PHONY: guest-test modules cross-fresh

$(STAMPS)/cross: host/tools/system.sh
	@host/tools/system.sh cross
	@mkdir -p $(STAMPS) && touch $@

guest-test: $(STAMPS)/cross ## stories on the real kernel drivers in an emulated arm64 machine (ARGS="-k NAME")
	@$(CROSS) tests/guest/run.py $(ARGS)

modules: $(STAMPS)/cross ## DAHDI and mISDN modules for Debian's arm64 kernel
	@$(CROSS) -c 'from cross import kernel, modules; print(modules.tree(kernel.newest()))'

cross-fresh: ## forget which versions of Debian's packages were taken for the boards
	@$(CROSS) -c 'from cross import tools; tools.forget()'
