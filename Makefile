# Offhook. "make run" and "make test" need nothing but git, make and python3 on a Debian 12 or 13; "make help" tells the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
LOCALSTATEDIR ?= /var
OFFHOOK_HOME ?= $(HOME)/offhook
SHARED ?= ../shared

PY := $(VENV)/bin/python
STAMPS := build/stamps
export PYTHON SHARED
# Variables of the command line are meant for this file; the makefiles below have an OUT of their own.
MAKEOVERRIDES =
unexport OUT

ENGINE_SOURCES := $(wildcard host/engine/*.c host/engine/*.h host/engine/*.py host/engine/Makefile)
SHIM_SOURCES := $(wildcard kernel-shims/*.py kernel-shims/Makefile kernel-shims/kernel_shims/*/*.[ch])
ENGINE := $(STAMPS)/engine

.PHONY: help run test check lint format engine venv prompts samples install uninstall clean distclean bench bench-media \
  bench-lines parity-lines \
  soak-media fuzz fuzz-media race parity boards firmware-check firmware-bundle conformance-root conformance echo-run bench-echo \
  firmware trunk-test \
  test-unit test-sip test-engine test-phones test-browser soak soak-queues soak-queues-sip

help: ## this list
	@echo "make TARGET, where TARGET is"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Variables: PREFIX DESTDIR SYSCONFDIR LOCALSTATEDIR OFFHOOK_HOME PYTHON VENV SHARED CONFORMANCE_ROOT"

# ---- running from the checkout

run: $(ENGINE) ## install what is missing, write a first configuration, start the daemon with a console
	@$(PY) host/tools/demo.py "$(OFFHOOK_HOME)"
	@exec $(VENV)/bin/offhook -C "$(OFFHOOK_HOME)/etc/asterisk.conf" -c $(OPTIONS)

venv: $(STAMPS)/venv ## the virtual environment with what Offhook depends on
engine: $(ENGINE) ## the C media engine

$(STAMPS)/system: host/tools/system.sh
	@host/tools/system.sh build
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/venv: host/pyproject.toml host/tools/venv.sh $(STAMPS)/system
	@echo "Making the virtual environment $(VENV)"
	@host/tools/venv.sh $(VENV)
	@touch $@

$(ENGINE): $(STAMPS)/venv $(ENGINE_SOURCES) $(SHIM_SOURCES)
	@echo "Building the media engine"
	@$(MAKE) --no-print-directory -s -C host/engine PYTHON=$(abspath $(PY))
	@$(MAKE) --no-print-directory -s -C kernel-shims PYTHON=$(abspath $(PY))
	@touch $@

# ---- tests

$(STAMPS)/test: $(STAMPS)/venv
	@host/tools/system.sh test
	@host/tools/venv.sh $(VENV) test
	@touch $@

test: $(STAMPS)/test $(ENGINE) ## every test: unit, SIP core, engine (with sanitizers), phones, kernel drivers
	@$(PY) tests/all.py

check: lint test ## what CI runs: lint and every test

test-unit: $(STAMPS)/test $(ENGINE) ## the unit tests alone
	$(PY) -m pytest tests/unit

test-sip: $(STAMPS)/test ## the tests of the SIP core alone
	$(PY) -m pytest tests/sip

test-engine: $(STAMPS)/test ## the engine's own tests under address and undefined-behaviour sanitizers
	@$(MAKE) -C host/engine check PYTHON=$(abspath $(PY))

soak: $(STAMPS)/test $(ENGINE) ## CALLS at once (200) that transfer, park, pick up and hang up for DURATION (600) s of simulated time, by SEED (1)
	@PYTHONPATH=host:kernel-shims:tests $(PY) -m support.soak $(or $(CALLS),200) $(or $(DURATION),600) $(or $(SEED),1)

soak-queues: $(STAMPS)/test $(ENGINE) ## CALLERS (200) before MEMBERS (20) of four queues for DURATION (600) s of simulated time, by SEED (1)
	@PYTHONPATH=host:kernel-shims:tests $(PY) -m unit.queues.soak $(or $(CALLERS),200) $(or $(MEMBERS),20) $(or $(DURATION),600) $(or $(SEED),1)

soak-queues-sip: $(STAMPS)/test $(ENGINE) ## 2000 calls by SIP through a queue that leave nothing (ARGS=--help)
	@$(PY) tests/soak/queues.py $(ARGS)

test-phones: $(STAMPS)/test $(ENGINE) ## calls between real phones through a real daemon
	$(PY) -m pytest tests/phones

test-browser: $(STAMPS)/test $(ENGINE) ## a softphone in a headless browser calls and hears itself
	$(PY) -m pytest tests/browser

# Of releases of clang-format each has its own taste; without the one of pyproject.toml nothing is said about C.
CLANG_FORMAT := $(wildcard $(abspath $(VENV))/bin/clang-format)

lint: $(STAMPS)/test ## ruff, mypy --strict and clang-format
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy --strict host/offhook kernel-shims/kernel_shims
	$(if $(CLANG_FORMAT),$(MAKE) --no-print-directory -C host/engine style PYTHON=$(abspath $(PY)) CLANG_FORMAT=$(CLANG_FORMAT))

format: $(STAMPS)/test ## let ruff format the Python files, and clang-format those in C
	$(VENV)/bin/ruff format .
	$(if $(CLANG_FORMAT),$(MAKE) --no-print-directory -C host/engine format PYTHON=$(abspath $(PY)) CLANG_FORMAT=$(CLANG_FORMAT))

firmware-check: $(STAMPS)/test $(ENGINE) ## compile the supervisor's firmware, run it under MicroPython beside the real host code
	@$(PY) firmware/tools/bundle.py
	@firmware/tools/interpreter.sh "$${XDG_CACHE_HOME:-$$HOME/.cache}/offhook/micropython" >/dev/null
	$(PY) -m pytest tests/firmware

firmware: ## the supervisor's image build/supervisor.uf2, from Debian 13's source packages; says what is missing
	@mkdir -p build && firmware/tools/uf2.sh build/supervisor.uf2

firmware-bundle: $(STAMPS)/test ## what "supervisor update" sends: build/supervisor.ofw
	@mkdir -p build && $(PY) firmware/tools/bundle.py build/supervisor.ofw

trunk-test: $(STAMPS)/test $(ENGINE) ## the trunk to the cloud: Kamailio beyond a NAT, outages; recovery times (ARGS=--short)
	@$(PY) tests/trunk/run.py $(ARGS)

boards: $(STAMPS)/venv ## list the boards of boards/ and check their files (BOARD=NAME: show one)
	@$(PY) host/tools/boards.py $(BOARD)

fuzz: $(STAMPS)/test ## throw broken input at the parsers, FUZZ_S seconds each (default 60)
	@$(PY) -c 'import atheris' 2>/dev/null || $(PY) -m pip install -q --disable-pip-version-check atheris
	$(PY) tests/fuzz/run.py --seconds $(or $(FUZZ_S),60)

fuzz-media: $(STAMPS)/test ## libFuzzer on what the network can send to the media engine, FUZZ_S seconds a target
	@host/tools/system.sh fuzz
	@$(MAKE) --no-print-directory -s -C host/engine fuzz FUZZ_S=$(or $(FUZZ_S),60) PYTHON=$(abspath $(PY))

race: $(STAMPS)/test ## connections that end at every step of a registration, ROUNDS times each (default 1000)
	ROUNDS=$(or $(ROUNDS),1000) $(PY) -m pytest -q tests/unit/drivers_sip/test_connection_ends.py

parity: $(STAMPS)/venv ## what Asterisk 22 has and what we have, with totals (ARGS=--missing for the gaps)
	@$(PY) tests/parity/parity.py $(ARGS)

parity-lines: $(STAMPS)/venv ## every option of chan_dahdi.conf and whether it works (ARGS="--missing SOURCE" with Asterisk's tree)
	@$(PY) tests/parity/dahdi_options.py $(ARGS)

bench: $(STAMPS)/test $(ENGINE) ## the load of $(SHARED)/bench; beside the peer when CONFORMANCE_ROOT is set
	@$(PY) tests/bench/bench.py $(ARGS)

echo-run: $(STAMPS)/system ## build/echo-run: the echo canceller over recorded signals (echo-run --help)
	@$(MAKE) --no-print-directory -s -C host/engine echo-run

bench-echo: $(STAMPS)/test ## the echo canceller beside OSLEC and Speex (ARGS=--quick, ARGS="--only cost")
	@$(PY) tests/bench/echo/run.py $(ARGS)

soak-media: $(STAMPS)/test $(ENGINE) ## 1000 calls in 256 files, 10,000 by SIP and 100,000 in the engine that leave nothing (ARGS=--help)
	@$(PY) tests/soak/media.py $(ARGS)

bench-media: $(STAMPS)/test $(ENGINE) ## CPU a leg of transcoding, mixing, recording, playing; beside the peer with CONFORMANCE_ROOT
	@$(PY) tests/bench/media.py $(ARGS)

bench-lines: $(STAMPS)/test $(ENGINE) ## cost of a line leg, dahdi show channels with 120 channels, memory with two E1s (ARGS=--short)
	@$(PY) tests/bench/lines.py $(ARGS)

conformance-root: $(ENGINE) ## lay out DEST=FOLDER for the Asterisk Test Suite
	@test -n "$(DEST)" || { echo "make conformance-root DEST=FOLDER"; exit 2; }
	@$(PY) tests/conformance/layout.py "$(DEST)" --python $(VENV)/bin/python

conformance: $(ENGINE) ## run LIST=FILE (or test names) [GROUP=M1,M2] [ONLY=REGEX] [RETRY=1] of the suite
	@test -n "$(LIST)" || { echo "make conformance LIST=FILE [GROUP=M1,M2] (tests/conformance/README.md)"; exit 2; }
	@$(PY) tests/conformance/run.py $(LIST) $(if $(GROUP),--group $(GROUP)) $(if $(ONLY),--only '$(ONLY)') \
	  $(if $(RETRY),--retry) $(if $(WORKERS),--workers $(WORKERS)) $(if $(MINUTES),--minutes $(MINUTES)) \
	  $(if $(OUT),--out $(OUT)) $(if $(PEER),--asterisk)

# ---- boards

include cross/targets.mk

# ---- installing

install: $(ENGINE) ## below PREFIX (and DESTDIR): program, man page, systemd unit, prompts; no configuration
	@$(PY) host/tools/install.py install --prefix "$(PREFIX)" --destdir "$(DESTDIR)" \
	  --sysconfdir "$(SYSCONFDIR)" --localstatedir "$(LOCALSTATEDIR)"

samples: $(ENGINE) ## sample configuration below SYSCONFDIR/offhook, and prompts; an old file is saved aside
	@$(PY) host/tools/install.py samples --prefix "$(PREFIX)" --destdir "$(DESTDIR)" \
	  --sysconfdir "$(SYSCONFDIR)" --localstatedir "$(LOCALSTATEDIR)"

uninstall: ## take away what install put there; configuration, recordings and records stay
	@$(PYTHON) host/tools/install.py uninstall --prefix "$(PREFIX)" --destdir "$(DESTDIR)" \
	  --sysconfdir "$(SYSCONFDIR)" --localstatedir "$(LOCALSTATEDIR)"

clean: ## remove what was built
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find host kernel-shims tests -name __pycache__ -prune -exec rm -rf {} +
	find host kernel-shims -name '*.so' -o -name '*.o' | xargs -r rm -f

distclean: clean ## and the virtual environment
	rm -rf $(VENV)
