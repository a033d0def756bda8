# All targets work on a machine that has only Python 3.10 or newer (with venv) and make.
PYTHON ?= python3
VENV ?= .venv

.PHONY: campaign demo test test-browser clean

# A stamp is written when an installation is complete; it is made again when the
# dependencies change.
$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet --editable '.[test]'
	touch $@

demo: $(VENV)/installed
	$(VENV)/bin/python recipes/train_v1_rafd.py

test: $(VENV)/installed-test
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m ruff format --check .
	$(VENV)/bin/python -m mypy
	$(VENV)/bin/python -m pytest

# Takes hours; what was found is in docs/reliability.md. Goes on where it stopped, but for
# the requests.
CAMPAIGNS ?= runs/campaigns
campaign: $(VENV)/installed-test
	cd tests && $(abspath $(VENV))/bin/python -m campaigns.pictures --output=$(abspath $(CAMPAIGNS))/pictures
	cd tests && $(abspath $(VENV))/bin/python -m campaigns.requests --output=$(abspath $(CAMPAIGNS))/requests.json
	cd tests && $(abspath $(VENV))/bin/python -m campaigns.long_run --output=$(abspath $(CAMPAIGNS))/long_run

# Needs Chromium and its driver (Debian: chromium, chromium-driver).
test-browser: $(VENV)/installed-test
	$(VENV)/bin/python -m pip install --quiet --editable '.[browser]'
	$(VENV)/bin/python -m pytest -n 0 tests/browser

clean:
	rm -rf $(VENV)
