# Perfusion Node. `make help` lists the targets. Everything is installed into .venv, nothing elsewhere
# (real peers for the tests come from Debian's packages where the user is root).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUNTIME ?= cpu            # cpu or gpu: which ONNX Runtime is installed
TORCH  := torch==2.13.0
OHIF   := 3.12.10
PEERS  := dcmtk openjph-tools orthanc orthanc-dicomweb dicom3tools redis-server postgresql chromium fonts-wqy-microhei curl iproute2 util-linux haproxy openssl prometheus systemd

.PHONY: help demo test lint fuzz fuzz-wire chaos soak peers bench bench-receive bench-receive-profile bench-turnround bench-big bench-many bench-pages bench-hosts bench-check docs dist lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/node.ok: pyproject.toml
	@echo "Installing the node into $(VENV) (once; mostly downloads) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(strip $(RUNTIME)),simulate]'
	@touch $@

$(VENV)/tests.ok: $(VENV)/node.ok
	@echo "Installing what the tests need into $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(TORCH)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(strip $(RUNTIME)),train,dev]'
	@touch $@

demo: $(VENV)/node.ok ## the whole node and a small archive on this machine, with one simulated stroke (DEMO=once ends afterwards)
	@$(BIN)/perfusion-node demo $(if $(filter once,$(DEMO)),--once,)

peers: ## the real peers that the tests talk to, from Debian's packages (root only) and npm
	@.ci/peers $(PEERS)
	@.ci/ohif $(OHIF)

test: $(VENV)/tests.ok peers ## every gate and every test
	@$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/tests.ok ## the gates alone
	@$(BIN)/python -m pytest tests/house

fuzz: $(VENV)/tests.ok peers ## mutated scans by the thousand through recognition and stacking (CASES=100000, SEED=0; goes on where it stopped)
	@$(BIN)/python -m tests.fuzz --cases $(or $(CASES),100000) --seed $(or $(SEED),0)

fuzz-wire: $(VENV)/tests.ok ## hostile conversations by the thousand with listeners, which must still serve (CASES=100000, SEED=0; goes on where it stopped)
	@$(BIN)/python -m tests.fuzz --wire --cases $(or $(CASES),100000) --seed $(or $(SEED),0)

chaos: $(VENV)/tests.ok peers ## a node broken at random while studies keep coming, then audited: lost, doubled, stuck (MINUTES=10, SEED=0)
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),10) --seed $(or $(SEED),0)

soak: $(VENV)/tests.ok peers ## a whole node takes small studies one after another for hours; nothing may grow or be lost (STUDIES=200, HOURS=2)
	@$(BIN)/python -m tests.soak --studies $(or $(STUDIES),200) --hours $(or $(HOURS),2)

bench: bench-receive bench-turnround bench-big bench-many bench-pages ## the benchmarks, as tables (an hour or so); what they found is kept in .bench

bench-receive: $(VENV)/tests.ok peers ## receive rate against DCMTK's storescp and Orthanc in one run
	@$(BIN)/python -m tests.benchmarks.receive

bench-receive-profile: $(VENV)/tests.ok peers ## where an image's time goes between socket and answer (not part of bench)
	@$(BIN)/python -m tests.benchmarks.receive_profile

bench-turnround: $(VENV)/tests.ok peers ## last image to maps in the PACS, stage by stage
	@$(BIN)/python -m tests.benchmarks.turnround

bench-big: $(VENV)/tests.ok peers ## one scan of up to 8,000 images (4 GB): time against size, memory, and a small study beside it
	@$(BIN)/python -m tests.benchmarks.big

bench-many: $(VENV)/tests.ok peers ## studies an hour from several senders; what the queue costs with 100,000 series in the registry
	@$(BIN)/python -m tests.benchmarks.many

bench-pages: $(VENV)/tests.ok peers ## how fast every page answers with 10,000 studies in the registry
	@$(BIN)/python -m tests.benchmarks.pages

bench-hosts: $(VENV)/tests.ok peers ## series an hour with 1, 2 and 4 hosts, GPU time simulated (not part of bench)
	@$(BIN)/python -m tests.benchmarks.hosts

bench-check: $(VENV)/tests.ok ## the ratios of the last benchmarks beside those on record; fails where one got worse
	@$(BIN)/python -m tests.benchmarks.check

docs: $(VENV)/node.ok ## the documentation as a site in build/site; a warning is a fault
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(strip $(RUNTIME)),docs]'
	@$(BIN)/python -m docs.site

lock: ## the lock files of deploy/ brought up to pyproject.toml (versions that are locked stay, if they still fit)
	@$(PYTHON) -m venv .cache/uv && .cache/uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.5'
	@for kind in cpu gpu; do .cache/uv/bin/uv pip compile --quiet pyproject.toml --extra $$kind --generate-hashes --universal \
	  --python-version 3.11 --no-annotate --no-header --output-file deploy/requirements-$$kind.txt; done

dist: $(VENV)/node.ok ## dist/: wheel with weights, image context, lock files, SBOM and licences of what is locked
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check build cyclonedx-bom
	@$(BIN)/python -m deploy.release

clean: ## removes .venv and what the commands left
	rm -rf $(VENV) .cache .demo .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis
