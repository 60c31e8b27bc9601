# weir: every target says what it does after '##'; `make help` prints them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test e2e check format golden generate bench build chart clean

NODE = $(shell bin/node-path --bring)
# npm and its scripts find the same Node that weir runs on.
RUN = PATH="$$(dirname $(NODE)):$$PATH"
INSTALLED = node_modules/.package-lock.json

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(INSTALLED): package.json package-lock.json
	@# Not `npm ci`: it refuses a lock file that lacks optional packages of platforms that the registry it was made with
	@# does not have. The versions are those of the lock file all the same.
	@$(RUN) npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

demo: $(INSTALLED) ## gateway, mock model and trace view on this machine (ONCE=1: send sample requests, print, exit)
	@bin/weir demo $(if $(ONCE),--once)

test: $(INSTALLED) ## all tests but those that need a cluster (FILE=…: one file or folder)
	@$(RUN) node node_modules/jest/bin/jest.js $(FILE)

e2e: $(INSTALLED) ## build the rig once into the cache, then the suites on a real control plane (FILE=…: those whose name has it)
	@$(RUN) node test/rig/e2e.ts $(FILE)

check: $(INSTALLED) ## format, lint, types, generated files unchanged, architecture
	@$(RUN) npx biome check .
	@$(RUN) npx tsc --noEmit
	@$(RUN) node cli/generate.ts --check
	@$(RUN) node node_modules/jest/bin/jest.js --silent test/architecture.test.ts

format: $(INSTALLED) ## rewrite the sources in the project's format
	@$(RUN) npx biome check --write .

golden: $(INSTALLED) ## rewrite test/golden/*.out.yaml from what compile says now
	@$(RUN) GOLDEN=write node node_modules/jest/bin/jest.js test/golden.test.ts test/golden-workloads.test.ts

generate: $(INSTALLED) ## rewrite the generated docs (docs/cel.md, docs/config.md, docs/config.schema.json, docs/cli.md)
	@$(RUN) node cli/generate.ts

DIST ?= dist
build: $(INSTALLED) ## what runs, as JavaScript, in dist/ (dist/bin/weir starts it; Containerfile copies it)
	@mkdir -p $(DIST)
	@find $(DIST) -mindepth 1 -maxdepth 1 ! -name charts -exec rm -rf {} +
	@$(RUN) npx tsc --project tsconfig.build.json --outDir $(DIST)
	@mkdir $(DIST)/examples
	@cp -R bin crds LICENSE .npmrc package-lock.json $(DIST)
	@cp -R examples/demo $(DIST)/examples

chart: ## the charts as archives in dist/charts, with Gateway API's CRDs inside
	@charts/package.sh $(DIST)/charts

# On core 1, beside the load: the counter of spans runs in this process, and core 0 is for what is measured.
bench: $(INSTALLED) ## speed, as ratios to Envoy and to a bare proxy in one run; non-zero when a gate falls short
	@$(RUN) taskset -c 1 node test/bench/main.ts

clean: ## remove what make made in this folder
	rm -rf node_modules dist coverage bench-results.json
