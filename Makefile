# `make demo` and `make test` need Go, Node 20.16 and npm; all else they fetch, or say what to install.

PORT ?= 8080
BENCH ?=

# A package manager's own stamp: newer than the lock file when its modules are in place.
JS_MODULES    := js/node_modules/.package-lock.json
DEMO_MODULES  := demo/node_modules/.package-lock.json
TESTS_MODULES := tests/node_modules/.package-lock.json
CONSUMERS_MODULES := tests/consumers/node_modules/.package-lock.json
REFERENCE_MODULES := demo/reference/node_modules/.package-lock.json

GO_WASM    := GOOS=js GOARCH=wasm go
CHROMIUM_IN_ENV = CHROMIUM=$$(tests/find-browser.sh chromium) && export CHROMIUM

# The race detector needs a C compiler.
RACE := $(if $(shell command -v $$(go env CC)),-race)

STARTED := $(shell date +%s)
headline = @printf '\n[%4d s] %s\n' $$(($$(date +%s) - $(STARTED))) "$(1)"

.PHONY: FORCE help demo demo-build test test-go test-fuzz test-browser test-js test-e2e test-consumers test-readme wasm js cli lint bench bench-browser clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: demo-build ## build the playground and serve it at http://localhost:8080 (PORT=n: elsewhere)
	PORT=$(PORT) node demo/serve.mjs

test: lint test-go test-fuzz test-browser test-js test-e2e test-consumers test-readme ## run everything that must pass, lint to end to end
	$(call headline,passed; end to end in:)
	@for engine in chromium firefox webkit; do \
		NO_INSTALL=1 tests/find-browser.sh $$engine >/dev/null 2>&1 && echo "  $$engine" || echo "  not $$engine: it is neither installed nor installable"; \
	done

test-go: ## run the Go tests natively, under the race detector
	$(call headline,Go tests$(if $(RACE),, WITHOUT the race detector: no C compiler))
	go test $(RACE) ./...
	$(call headline,C++ LevelDB reads what varve wrote)
	tests/find-leveldb.sh
	go test -tags leveldb -run '^TestLevelDB' ./tests/interop

test-fuzz: ## run each fuzz target for a few seconds
	$(call headline,fuzz targets)
	tests/fuzz.sh

test-browser: ## run the Go tests on IndexedDB in Chromium
	$(call headline,Go tests in Chromium)
	$(CHROMIUM_IN_ENV) && tests/browser/gotest.sh ./vfs/idbfs/... ./tests/browser ./tests/fault ./tests/model

test-js: wasm js ## run the unit tests of the JavaScript package
	$(call headline,JavaScript tests)
	npm --prefix js test
	$(call headline,Go's own tests as the engine is made smaller)
	tests/slim.sh
	$(call headline,directories in Node)
	$(GO_WASM) test -exec $$(go env GOROOT)/lib/wasm/go_js_wasm_exec ./vfs/osfs

test-e2e: demo-build $(TESTS_MODULES) ## run the built package and the playground in Chromium, Firefox and WebKitGTK
	$(call headline,end to end in Chromium)
	$(CHROMIUM_IN_ENV) && npm --prefix tests run --silent e2e
	$(call headline,end to end in Firefox)
	FIREFOX=$$(tests/find-browser.sh firefox) || exit 0; export FIREFOX; npm --prefix tests run --silent e2e:firefox
	$(call headline,end to end in WebKitGTK)
	WEBKIT_DRIVER=$$(tests/find-browser.sh webkit) || exit 0; export WEBKIT_DRIVER; npm --prefix tests run --silent e2e:webkit

test-consumers: wasm js $(TESTS_MODULES) $(CONSUMERS_MODULES) ## run the packed package as Vite, webpack, esbuild and Rollup build it
	$(call headline,the packed package in Chromium)
	$(CHROMIUM_IN_ENV) && npm --prefix tests/consumers run --silent test

test-readme: wasm js $(TESTS_MODULES) $(CONSUMERS_MODULES) ## compile and run every code block of the READMEs
	$(call headline,the code blocks of the READMEs)
	$(CHROMIUM_IN_ENV) && npm --prefix tests run --silent readme

wasm: js/dist/varve.wasm js/dist/varve-node.wasm ## build js/dist/varve.wasm, and varve-node.wasm, which knows directories

# Code that is no hot path is not inlined: that makes the file smaller.
COLD = fmt strconv internal/strconv reflect internal/reflectlite internal/fmtsort time context log log/internal \
	os syscall io/fs internal/poll internal/bisect internal/godebug encoding/json encoding/base64 unicode errors io \
	github.com/hack-pad/... github.com/varvedb/varve/vfs/idbfs github.com/varvedb/varve/engine/internal/manifest

WASM_TAGS = varve_host
js/dist/varve-node.wasm: WASM_TAGS = varve_host,varve_node
js/dist/%.wasm: FORCE
	@mkdir -p js/dist
	$(GO_WASM) build -tags $(WASM_TAGS) -trimpath $(COLD:%=-gcflags=%=-l) -ldflags="-s -w -buildid=" -o $@ ./wasm
	go run ./wasm/slim $@ || echo "not slimmed: $@ is larger than it need be"

js: $(JS_MODULES) ## build the JavaScript package into js/dist
	npm --prefix js run --silent build

cli: ## build the command line tool, bin/varve
	go build -trimpath -o bin/varve ./engine/cmd/varve

lint: js $(DEMO_MODULES) ## check formatting, vet, staticcheck and types
	$(call headline,lint)
	@unformatted=$$(gofmt -l engine vfs wasm tests) && { [ -z "$$unformatted" ] || { echo "gofmt needed: $$unformatted"; exit 1; }; }
	go vet ./...
	go vet -tags leveldb ./tests/interop
	$(GO_WASM) vet ./...
	$(GO_WASM) vet -tags varve_host,varve_node ./vfs/... ./wasm/...
	go tool staticcheck ./...
	GOOS=js GOARCH=wasm $$(go tool -n staticcheck) ./...
	npm --prefix js run --silent types
	npm --prefix demo run --silent types

bench: wasm js $(TESTS_MODULES) ## measure beside other engines natively, and beside raw IndexedDB in Chromium
	go -C tests/bench/engines run . $(BENCH)
	$(CHROMIUM_IN_ENV) && tests/bench/wasm.sh
	$(CHROMIUM_IN_ENV) && npm --prefix tests run --silent bench

bench-browser: wasm js $(TESTS_MODULES) ## measure beside other stores in Chromium (BENCH="--rounds 1 --records 10000 --growth")
	@$(CHROMIUM_IN_ENV) && npm --prefix tests run --silent bench-browser -- $(BENCH)

clean: ## remove what was built and fetched
	rm -rf bin js/dist demo/dist js/node_modules demo/node_modules demo/reference/node_modules tests/node_modules tests/consumers/node_modules

demo-build: wasm js $(DEMO_MODULES) $(REFERENCE_MODULES)
	npm --prefix demo run --silent build
	npm --prefix demo/reference run --silent build

%/node_modules/.package-lock.json: %/package-lock.json
	npm ci --prefix $* --no-fund --no-audit --no-update-notifier
	@touch $@
