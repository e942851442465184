# `make demo` and `make test` need Go, Node 20 and npm; all else they fetch, or say what to install.

PORT ?= 8080
BENCH ?=

# A package manager's own stamp: newer than the lock file when its modules are in place.
JS_MODULES    := js/node_modules/.package-lock.json
DEMO_MODULES  := demo/node_modules/.package-lock.json
TESTS_MODULES := tests/node_modules/.package-lock.json
CONSUMERS_MODULES := tests/consumers/node_modules/.package-lock.json

GO_WASM    := GOOS=js GOARCH=wasm go
CHROMIUM_IN_ENV = CHROMIUM=$$(tests/chromium.sh) && export CHROMIUM

# The race detector needs a C compiler.
RACE := $(if $(shell command -v $$(go env CC)),-race)

STARTED := $(shell date +%s)
headline = @printf '\n[%4d s] %s\n' $$(($$(date +%s) - $(STARTED))) "$(1)"

.PHONY: help demo demo-build test test-go test-fuzz test-browser test-js test-e2e test-consumers wasm js cli lint bench clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: demo-build ## build the playground and serve it at http://localhost:8080 (PORT=n: elsewhere)
	PORT=$(PORT) node demo/serve.mjs

test: lint test-go test-fuzz test-browser test-js test-e2e test-consumers ## run everything that must pass, lint to end to end

test-go: ## run the Go tests natively, under the race detector
	$(call headline,Go tests$(if $(RACE),, WITHOUT the race detector: no C compiler))
	go test $(RACE) ./...

test-fuzz: ## run each fuzz target for a few seconds
	$(call headline,fuzz targets)
	tests/fuzz.sh

test-browser: ## run the Go tests on IndexedDB in Chromium
	$(call headline,Go tests in Chromium)
	$(CHROMIUM_IN_ENV) && tests/browser/gotest.sh ./vfs/idbfs/... ./tests/browser ./tests/model

test-js: wasm js ## run the unit tests of the JavaScript package
	$(call headline,JavaScript tests)
	npm --prefix js test

test-e2e: demo-build $(TESTS_MODULES) ## run the built package and the playground in Chromium
	$(call headline,end to end in Chromium)
	$(CHROMIUM_IN_ENV) && npm --prefix tests run --silent e2e

test-consumers: wasm js $(TESTS_MODULES) $(CONSUMERS_MODULES) ## run the packed package as Vite, webpack, esbuild and Rollup build it
	$(call headline,the packed package in Chromium)
	$(CHROMIUM_IN_ENV) && npm --prefix tests/consumers run --silent test

wasm: ## build js/dist/varve.wasm
	@mkdir -p js/dist
	$(GO_WASM) build -tags varve_host -trimpath -ldflags="-s -w" -o js/dist/varve.wasm ./wasm
	go run ./wasm/striplines js/dist/varve.wasm || echo "not stripped: varve.wasm is larger than it need be"

js: $(JS_MODULES) ## build the JavaScript package into js/dist
	npm --prefix js run --silent build

cli: ## build the command line tool, bin/varve
	go build -trimpath -o bin/varve ./engine/cmd/varve

lint: js $(DEMO_MODULES) ## check formatting, vet, staticcheck and types
	$(call headline,lint)
	@unformatted=$$(gofmt -l engine vfs wasm tests) && { [ -z "$$unformatted" ] || { echo "gofmt needed: $$unformatted"; exit 1; }; }
	go vet ./...
	$(GO_WASM) vet ./...
	$(GO_WASM) vet -tags varve_host ./vfs/... ./wasm/...
	go tool staticcheck ./...
	GOOS=js GOARCH=wasm $$(go tool -n staticcheck) ./...
	npm --prefix js run --silent types
	npm --prefix demo run --silent types

bench: wasm js $(TESTS_MODULES) ## measure beside other engines natively, and beside raw IndexedDB in Chromium
	go -C tests/bench/engines run . $(BENCH)
	$(CHROMIUM_IN_ENV) && tests/bench/wasm.sh
	$(CHROMIUM_IN_ENV) && npm --prefix tests run --silent bench

clean: ## remove what was built and fetched
	rm -rf bin js/dist demo/dist js/node_modules demo/node_modules tests/node_modules tests/consumers/node_modules

demo-build: wasm js $(DEMO_MODULES)
	npm --prefix demo run --silent build

%/node_modules/.package-lock.json: %/package-lock.json
	npm ci --prefix $* --no-fund --no-audit --no-update-notifier
	@touch $@
