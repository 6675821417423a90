# beket: two commands matter, `make demo` and `make test`; each does its own set-up.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV := .venv/bin/uv
CONSOLE := api/console
# a network with its own certificate authority names it in the system's store, which uv leaves aside unless told
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),true,false)
RTSP_PACKAGES := python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good

.PHONY: help setup console demo test rtsp-server browser check lock format clean training gpu

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.venv/.made: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "beket needs Python 3.11: set PYTHON=path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(UV) || $(BIN)/python -m pip install -q uv
	$(UV) pip install -q -p .venv -c constraints.txt -e '.[dev]'
	touch $@

# a region is a dozen processes: none should compile the libraries again, as uv leaves them to
.venv/.compiled: .venv/.made
	@$(BIN)/python -m compileall -q -j 0 .venv/lib >/dev/null 2>&1 || true
	@touch $@

setup: .venv/.made ## create .venv with everything beket and its tests need

# The console's stamps lie in node_modules, so that they go with it.
PAGE := $(CONSOLE)/dist/index.html
MODULES := $(CONSOLE)/node_modules/.made
PAGE_CHECKED := $(CONSOLE)/node_modules/.checked
PAGE_SOURCES := $(shell find $(CONSOLE)/src -type f 2>/dev/null) \
	$(addprefix $(CONSOLE)/,package.json package-lock.json index.html vite.config.ts tsconfig.json eslint.config.js)

$(MODULES): $(CONSOLE)/package.json $(CONSOLE)/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null \
		|| { echo "the console needs Node.js 20.19 or later, with npm: install your distribution's nodejs and npm, or Node's own package"; exit 1; }
	npm --prefix $(CONSOLE) ci --no-audit --no-fund --loglevel=error
	touch $@

$(PAGE): $(MODULES) $(PAGE_SOURCES)
	npm --prefix $(CONSOLE) run --silent build -- --logLevel warn
	touch $@

$(PAGE_CHECKED): $(MODULES) $(PAGE_SOURCES)
	npm --prefix $(CONSOLE) run --silent check
	npm --prefix $(CONSOLE) run --silent lint
	touch $@

console: $(PAGE) ## build the console's page

check: setup $(PAGE_CHECKED) ## ruff, formatting, types and the order of imports; the console's types and lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

demo: setup console .venv/.compiled ## play four simulated cameras on this machine and alert; Ctrl-C ends all of it
	@$(BIN)/beket models pull
	@$(BIN)/beket demo

test: setup console .venv/.compiled rtsp-server browser ## run all tests
	$(BIN)/beket models pull
	$(BIN)/pytest

rtsp-server: ## install gst-rtsp-server for the tests of cameras, where that is possible (Debian, as root)
	@/usr/bin/python3 tests/fixtures/rtsp_server.py --check 2>/dev/null \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	     apt-get install -y -qq --no-install-recommends $(RTSP_PACKAGES) >/dev/null; } \
	|| echo "no gst-rtsp-server here: the tests that need a real RTSP server will be skipped"

browser: ## install Chromium for the tests of the console, where that is possible (Debian, as root)
	@command -v chromium >/dev/null || test -n "$$BEKET_CHROMIUM" \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	     apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	|| echo "no Chromium here: the tests of the console in a browser will be skipped"

format: setup ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## rewrite constraints.txt from pyproject.toml
	test -x $(UV) || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q uv; }
	$(UV) pip compile -q --extra dev --no-emit-index-url --no-header --no-annotate -p 3.11 pyproject.toml -o constraints.txt

training: setup ## add torch, for training only
	$(BIN)/python -m pip install -q torch==2.13.0

gpu: setup ## put onnxruntime-gpu with CUDA in the place of onnxruntime, for a node with an NVIDIA GPU
	$(UV) pip uninstall -q -p .venv onnxruntime
	$(UV) pip install -q -p .venv 'onnxruntime-gpu[cuda,cudnn]>=1.31'

clean: ## remove what make made
	rm -rf .venv build runs $(CONSOLE)/node_modules $(CONSOLE)/dist
