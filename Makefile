# Everything runs from a virtual environment in .venv, which is made on first use and mended when pyproject.toml or the
# C core changes. Nothing is installed outside this folder.
#
#   make demo      a time-varying link with real traffic, and a report of what was asked for and what happened (root)
#   make check     lint, types and every test that needs no root: a minute on two CPUs
#   make test      lint, types and every test (root): first side by side, then alone what judges time
#   make test-page  the live page in a real Chromium, before real runs (root; Debian's chromium)
#   make test-hosts  what needs real hosts: Debian systems in network namespaces (root; apt, a minute the first time)
#   make test-crate  bundles held to the profile of Process Run Crates by roc-validator, in an environment of its own
#   make bench     speed, exactness and cost beside the kernel's own forwarding and phantomlink, as one table (root)
#   make publish   what the last bench measured becomes part of docs/performance
#   make truth     runs that are disturbed on purpose, their verdicts held to an independent judge: SEEDS=20, or 20-39 (root)
#   make chaos     faults injected into clusters, what becomes of their runs held to what really happened: SEEDS as above (root)
#   make soak      links come and go by the thousand under faults, and what grows with them is told: MINUTES=30 (root)
#   make wireshark  what tshark reads of a run's packets, live and afterwards, held to the packet log (root, tshark)
#   make monitoring  the alert rules, and a Prometheus that scrapes a controller (root; Debian's prometheus)
#   make replay    a minute of everything that a path can do, its packet logs replayed through the reference (root)
#   make sanitize  the C core built with ASan and UBSan: model, frame path, and links whose interfaces fail (root)
#   make fuzz      a minute each of coverage-guided inputs to the frame path and the control input (root, clang)
#   make liars     a thousand sessions of a controller with an agent that lies, in any way and order
#   make fuzz-readers  a minute each of coverage-guided texts to the reader of each scenario format
#   make deb       a Debian package of the whole, in dist/ (dpkg-deb)
#   make lint      ruff and mypy
#   make docs      the documents as a site in docs/_build; a warning is an error
#   make rooms     docs/rooms.svg, drawn from the imports
#   make build     only the virtual environment

PYTHON ?= python3
# Which seeds `make truth` and `make chaos` play: so many, or from one to another.
SEEDS ?= 20
# How long `make soak` lets links come and go.
MINUTES ?= 30
# A copy of the context of RO-Crates for `make test-crate`.
CONTEXT ?=
# Arguments for pytest, e.g. make test ARGS='-k units -x'
ARGS ?=

venv    := .venv
python  := $(venv)/bin/python
ready   := $(venv)/.ready
core    := $(venv)/.core
types   := $(venv)/types/plctl
log     := $(venv)/pip.log
folders := common agent controller deploy
# A part of the tests, and which were the slowest.
parts   := $(python) -m pytest -q --durations=10
# How many workers keep all CPUs busy with tests that mostly wait; each takes some hundred megabytes.
crowd   := $$((2 * $$(nproc) < 16 ? 2 * $$(nproc) : 16))
# Tests that have a goal of their own.
others  := tests/bench tests/browser tests/crate tests/hosts tests/monitoring tests/wireshark
# The files in which a word stands. Only those that name a marker are collected where it is asked for: to collect all
# takes each worker seconds of a CPU. tests/conftest.py refuses a marker that its file does not name.
naming  = $$(find tests \( -false $(others:%=-o -path %) \) -prune -o -name 'test_*.py' -exec grep -lw $(1) {} +)
sources := setup.py common/telemetry/counters.py common/plan/disciplines.py $(wildcard agent/native/*.[ch] agent/native/*/*.[ch])

# The packages of the extra `browser`, without building plctl again for them.
browser := 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["browser"])'

# Runs a long command: says what it does every few seconds, and shows all of its output only if it fails.
progress = $(PYTHON) -I .ci/progress $(log)
# What was said beside the goal, for the hint to say it again behind sudo.
given = $(foreach name,PYTHON ARGS SEEDS MINUTES,$(if $(findstring command,$(origin $(name))), $(name)='$($(name))'))

# Some containers forbid Python to keep what it compiled: each program that a test starts would compile plctl anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo check unprivileged privileged test test-page test-hosts test-crate bench publish truth chaos soak monitoring wireshark replay sanitize fuzz fuzz-readers liars deb lint docs rooms build clean-venv clean
.DEFAULT_GOAL := build

demo: export GOAL = $(strip demo $(given))
demo: root-check build
	@.ci/preflight $(PYTHON) kernel
	$(venv)/bin/plctl run scenarios/quickstart.yaml

# Lint beside the tests: each leaves a CPU idle now and then.
check: build
	@$(MAKE) --no-print-directory -j2 lint unprivileged ARGS='--hypothesis-profile=quick $(ARGS)'

# What needs no root (see tests/conftest.py) measures no time either, so there is a worker for each CPU.
unprivileged: build
	$(parts) -n auto --dist worksteal -m 'not needs_root' $(others:%=--ignore=%) --ignore=tests/live $(ARGS)

# Most of what needs root waits more than it computes. Beside what judges when something happens nothing runs.
privileged: export GOAL = $(strip privileged $(given))
privileged: root-check build
	@.ci/preflight $(PYTHON) kernel
ifeq ($(strip $(ARGS)),)
	$(parts) -n $(crowd) --dist worksteal -m 'needs_root and not undisturbed' tests/live $(call naming,needs_root)
	$(parts) -m undisturbed $(call naming,undisturbed)
else
	$(python) -m pytest -m needs_root $(others:%=--ignore=%) $(ARGS)
endif

# With ARGS, which may name files of either kind, all of them are run one after the other.
test: export GOAL = $(strip test $(given))
test: root-check build
	@.ci/preflight $(PYTHON) kernel
ifeq ($(strip $(ARGS)),)
	@$(MAKE) --no-print-directory -j2 lint unprivileged
	@$(MAKE) --no-print-directory privileged
else
	@$(MAKE) --no-print-directory lint
	$(python) -m pytest $(others:%=--ignore=%) $(ARGS)
endif

# The browser is Debian's; only what drives it comes from PyPI.
test-page: export GOAL = $(strip test-page $(given))
test-page: root-check build $(venv)/.browser
	@.ci/preflight $(PYTHON) kernel page
	$(parts) tests/browser $(ARGS)

$(venv)/.browser: $(ready)
	@echo "setting up $(venv): what drives a browser"
	@$(progress) $(python) -m pip install --disable-pip-version-check $$($(python) -c $(browser))
	@touch $@

# Debian's mirror is asked for what the hosts are made of, once; `make test` asks nobody.
test-hosts: export GOAL = $(strip test-hosts $(given))
test-hosts: root-check build
	@.ci/preflight $(PYTHON) kernel
	$(python) -m pytest tests/hosts $(ARGS)

# The validator brings 36 packages that nothing else needs. CONTEXT=FILE: a copy of the context of RO-Crates; by default that
# of the package that makes crates. Nobody is asked over the network but for the packages, once.
test-crate: build $(venv)/.crate
	PLCTL_VALIDATOR=$(CURDIR)/$(venv)/crate/bin/python PLCTL_CRATE_CONTEXT='$(CONTEXT)' $(python) -m pytest tests/crate $(ARGS)

$(venv)/.crate: $(ready)
	@echo "setting up $(venv)/crate: what checks crates"
	@$(progress) $(PYTHON) -m venv $(venv)/crate
	@$(progress) $(venv)/crate/bin/python -m pip install --disable-pip-version-check 'roc-validator>=0.13'
	@touch $@

bench: export GOAL = $(strip bench $(given))
bench: root-check build
	@.ci/preflight $(PYTHON) kernel bench
	$(python) -m pytest tests/bench -s $(ARGS)

publish: build
	PYTHONPATH=tests $(python) -m bench.publish

truth: export GOAL = $(strip truth $(given))
truth: root-check build
	@.ci/preflight $(PYTHON) kernel truth
	cd tests && ../$(python) -m truth --tcpdump --seeds $(SEEDS) $(ARGS)

chaos: export GOAL = $(strip chaos $(given))
chaos: root-check build
	@.ci/preflight $(PYTHON) kernel chaos
	cd tests && ../$(python) -m chaos --seeds $(SEEDS) $(ARGS)

soak: export GOAL = $(strip soak $(given))
soak: root-check build
	@.ci/preflight $(PYTHON) kernel chaos
	cd tests && ../$(python) -m soak --minutes $(MINUTES) $(ARGS)
wireshark: export GOAL = $(strip wireshark $(given))
wireshark: root-check build
	@.ci/preflight $(PYTHON) kernel wireshark
	$(python) -m pytest tests/wireshark $(ARGS)

monitoring: export GOAL = $(strip monitoring $(given))
monitoring: root-check build
	@.ci/preflight $(PYTHON) kernel monitoring
	$(python) -m pytest tests/monitoring $(ARGS)

replay: export GOAL = $(strip replay $(given))
replay: root-check build
	@.ci/preflight $(PYTHON) kernel
	PLCTL_REPLAY_S=60 $(python) -m pytest -s tests/live/model/test_replay.py $(ARGS)

sanitize: export GOAL = $(strip sanitize $(given))
sanitize: root-check build
	PYTHON=$(CURDIR)/$(python) tests/model/sanitized $(ARGS)

fuzz: export GOAL = $(strip fuzz $(given))
fuzz: root-check build
	@$(progress) $(python) -m pip install --disable-pip-version-check --no-build-isolation -e '.[fuzz]'
	PYTHON=$(CURDIR)/$(python) tests/fuzz/run $(ARGS)

liars: build
	$(python) -m pytest -q --hypothesis-profile=deep tests/unit/controller/run/test_liars.py $(ARGS)

fuzz-readers: build
	@$(progress) $(python) -m pip install --disable-pip-version-check --no-build-isolation -e '.[fuzz]'
	PYTHON=$(CURDIR)/$(python) tests/fuzz/run-readers $(ARGS)

deb: build
	deploy/debian/build $(python) dist

lint: build
	$(venv)/bin/ruff check
	$(venv)/bin/ruff format --check
	MYPYPATH=$(dir $(types)) $(python) -m mypy -p plctl

docs: build $(venv)/.docs
	$(venv)/bin/sphinx-build -W --keep-going -q docs docs/_build

$(venv)/.docs: $(ready)
	@echo "setting up $(venv): what the documents are built with"
	@$(progress) $(python) -m pip install --disable-pip-version-check --no-build-isolation -e '.[docs]'
	@touch $@

rooms: build
	PYTHONPATH=tests $(python) -m support.room_drawing

build: $(core)

# Fails early, before anything is downloaded.
.PHONY: root-check
root-check:
	@.ci/preflight $(PYTHON) root

# The packages. pip is given the folder itself in editable mode, so that edits count at once.
$(ready): pyproject.toml
	@.ci/preflight $(PYTHON) build
	@echo "setting up $(venv): virtual environment"
	@mkdir -p $(venv) && : > $(log)
	@$(progress) $(PYTHON) -m venv $(venv)
	@echo "setting up $(venv): packages (two to four minutes the first time)"
	@$(progress) $(python) -m pip install --disable-pip-version-check 'setuptools>=80'
	@$(progress) $(python) -m pip install --disable-pip-version-check --no-build-isolation -e '.[controller,web,test]'
	@mkdir -p $(types) && for folder in $(folders); do ln -sfn ../../../$$folder $(types)/$$folder; done
	@ln -sfn ../../../controller/public $(types)/results
	@touch $@

# The C core, built in place. Forced, because setuptools looks only at the headers that it was told of.
$(core): $(ready) $(sources)
	@echo "setting up $(venv): C core" && : > $(log)
	@$(progress) $(python) setup.py -q build_ext --inplace --force
	@touch $@

clean-venv:
	rm -rf $(venv)

clean: clean-venv
	rm -rf build dist *.egg-info agent/native/*.so agent/native/shared/counters.h agent/native/model/disciplines.inc .pytest_cache .mypy_cache .ruff_cache .hypothesis bench-out
