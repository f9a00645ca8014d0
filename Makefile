# make run   set everything up and open the studio
# make test  set everything up, a browser too if none is there, and run all tests
PYTHON ?= python3
BIN := .venv/bin
BROWSER := $(shell command -v "$${STIR_CHROMIUM:-chromium-headless-shell}" || command -v chromium || command -v chromium-browser || command -v google-chrome)

.PHONY: run test bench lint browser
run: .venv/run
	$(BIN)/python app.py $(ARGS)

test: .venv/test browser
	$(BIN)/python -m pytest $(ARGS)

bench: .venv/test
	$(BIN)/python -m bench $(ARGS)

lint: .venv/test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright

.venv/run: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/test: requirements.txt requirements-mcp.txt requirements-dev.txt requirements-farm.txt .venv/run
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt -r requirements-farm.txt
	@touch $@

# Debian's Chromium plays H.264; the builds that browser-test tools download usually don't. Its headless shell is the lighter one.
browser:
	@test -n "$(BROWSER)" || { echo "No Chromium found: installing Debian's."; \
	  SUDO=$$(command -v sudo || true); [ "$$(id -u)" = 0 ] && SUDO=; \
	  $$SUDO apt-get update -qq && \
  { $$SUDO apt-get install -y -qq --no-install-recommends chromium-headless-shell fonts-dejavu-core \
    || $$SUDO apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; }; }
