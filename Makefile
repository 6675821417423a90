# beket: two commands matter, `make demo` and `make test`; each does its own set-up.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV := .venv/bin/uv
CONSOLE := api/console
RTSP_PACKAGES := python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good

.PHONY: help setup demo test rtsp-server check lock format clean training

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.venv/.made: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "beket needs Python 3.11: set PYTHON=path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(UV) || $(BIN)/python -m pip install -q uv
	$(UV) pip install -q -p .venv -c constraints.txt -e '.[dev]'
	touch $@

setup: .venv/.made ## create .venv with everything beket and its tests need

check: setup ## ruff, formatting, types and the order of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: setup rtsp-server ## run all tests
	$(BIN)/pytest

rtsp-server: ## install gst-rtsp-server for the tests of cameras, where that is possible (Debian, as root)
	@/usr/bin/python3 -c "import gi; gi.require_version('GstRtspServer', '1.0')" 2>/dev/null \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	     apt-get install -y -qq --no-install-recommends $(RTSP_PACKAGES) >/dev/null; } \
	|| echo "no gst-rtsp-server here: the tests that need a real RTSP server will be skipped"

format: setup ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## rewrite constraints.txt from pyproject.toml
	test -x $(UV) || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q uv; }
	$(UV) pip compile -q --extra dev --no-emit-index-url --no-header --no-annotate -p 3.11 pyproject.toml -o constraints.txt

training: setup ## add torch, for training only
	$(BIN)/python -m pip install -q torch==2.13.0

clean: ## remove what make made
	rm -rf .venv build runs $(CONSOLE)/node_modules $(CONSOLE)/dist
