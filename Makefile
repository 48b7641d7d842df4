# Targets for people; `make help` lists them. Everything is built as shipped,
# with CGO_ENABLED=0, except what the race detector and libzmq need cgo for.

GO       ?= go
BIN      ?= bin
FUZZTIME ?= 20s
# Packages tested at a time: most of them wait more than they work.
PARALLEL ?= 4
ROUNDS   ?= 5
COUNT    ?= 1000000
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT   ?= $(shell git rev-parse HEAD 2>/dev/null)
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
LDFLAGS  := -s -w -X main.version=$(VERSION)

# What builds packages is a module of its own.
PACKAGING = cd packaging && $(GO) run . --root .. --to $(abspath $(BIN))/dist \
  --version $(VERSION) --commit "$(COMMIT)" --epoch $(SOURCE_DATE_EPOCH)

# Race detector and libzmq are used where this machine has what they need.
CC_FOUND  := $(shell command -v $$($(GO) env CC) 2>/dev/null)
ZMQ_FOUND := $(shell pkg-config --exists libzmq 2>/dev/null && echo yes)
ifneq ($(CC_FOUND),)
  RACE := -race
  RACE_ENV := CGO_ENABLED=1
  ifneq ($(ZMQ_FOUND),)
    TAGS := -tags libzmq
  endif
else
  RACE_ENV := CGO_ENABLED=0
endif

.DEFAULT_GOAL := help
.PHONY: help build install dist package man keys metrics rules demo test race e2e screenshots thorough sim crash planted chaos soak shipped fuzz interop compare comparetest packagetest lint check check-full clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the beck program into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/beck ./cmd/beck

install: ## install the beck program where `go install` puts programs
	CGO_ENABLED=0 $(GO) install -trimpath -ldflags '$(LDFLAGS)' ./cmd/beck

dist: ## archives for Linux and macOS on amd64 and arm64 into bin/dist, the same bytes on every machine
	$(PACKAGING) dist

package: ## a deb and an rpm into bin/dist; ARCH=amd64,arm64 for these, VERSION=v1.2.0 for that
	$(PACKAGING) $(if $(ARCH),--arch $(ARCH)) package

man: build ## a man page of each command into bin/man, or into MAN=DIR
	$(BIN)/beck man $(or $(MAN),$(BIN)/man)

keys: ## write the table of configuration keys into docs/configuration.md
	CGO_ENABLED=0 $(GO) test -count=1 ./cmd/beck -run '^TestTableOfKeys$$' -args -update-keys

metrics: ## write the list of metrics that rules and dashboards are checked by
	CGO_ENABLED=0 $(GO) test -count=1 ./internal/httpd -run '^TestListOfMetrics$$' -args -update-metrics

rules: ## alert rules and dashboards against what daemons print, in a module of its own
	cd deploy/check && CGO_ENABLED=0 $(GO) vet ./...
	cd deploy/check && CGO_ENABLED=0 $(GO) test -count=1 ./...

demo: build ## a real file through a mesh, with a store killed in between
	$(BIN)/beck demo

test: lint build race thorough rules ## what a change must pass: lint, build, all tests

race: ## all tests, with race detector and libzmq where they are there
ifeq ($(CC_FOUND),)
	@echo "no C compiler: testing without the race detector and without libzmq"
else ifeq ($(ZMQ_FOUND),)
	@echo "no libzmq (Debian: libzmq3-dev and pkg-config): leaving out the tests against it"
endif
	$(RACE_ENV) $(GO) test -p $(PARALLEL) $(RACE) $(TAGS) -short -timeout 280s $$($(GO) list ./... | grep -v /internal/sim)

e2e: ## the web page in a real Chromium against a running mesh; CHROMIUM=PROGRAM for another one
	CGO_ENABLED=0 $(GO) test -count=1 -timeout 280s ./internal/webtest -args -required $(if $(CHROMIUM),-chromium $(CHROMIUM))

screenshots: ## write the pictures of the web page into docs/images
	CGO_ENABLED=0 $(GO) test -count=1 -timeout 600s ./internal/webtest -run '^TestPages$$' \
	  -args -required $(if $(CHROMIUM),-chromium $(CHROMIUM)) -screenshots $(CURDIR)/docs/images

thorough: ## crash points, damage and simulated histories, without the race detector
	CGO_ENABLED=0 $(GO) test -count=1 -timeout 280s ./internal/blocklog ./internal/journal
	CGO_ENABLED=0 $(GO) test -count=1 -timeout 280s ./store -run '^TestDamagedFilesAreMended$$'
	CGO_ENABLED=0 $(GO) test -count=1 -timeout 280s ./internal/sim -args -seeds 500

sim: ## simulated histories: SEEDS=n of them, or SEED=n with a trace of what happened
	CGO_ENABLED=0 $(GO) test -count=1 -v -timeout 0 ./internal/sim -run TestHistories -args $(if $(SEED),-seed $(SEED),-seeds $(or $(SEEDS),1000))

crash: ## crashes before single writes of a store's log and of a journal, at least POINTS (default 1000) of each
	CGO_ENABLED=0 $(GO) test -count=1 -v -timeout 0 ./internal/blocklog ./internal/journal -run '^TestCrash' -args -points $(or $(POINTS),1000)

planted: ## each planted defect, or BUG=name, until the simulator finds it; and that users get none of them
	CGO_ENABLED=0 $(GO) test -count=1 ./internal/planted
	CGO_ENABLED=0 $(GO) test -count=1 -tags planted ./internal/planted
	CGO_ENABLED=0 $(GO) test -count=1 -tags planted -v -timeout 600s ./internal/sim -run TestPlanted $(if $(BUG),-args -bug $(BUG))

chaos: ## real processes killed, stopped and cut off for a minute on each kind of network; SEED=n for the faults of that seed
	CGO_ENABLED=0 $(GO) test -count=1 -v -timeout 0 ./internal/chaos -run '^TestChaos$$' \
	  -args -records 1000000 -over 60s -every 2s $(if $(SEED),-seed $(SEED)) $(if $(NETWORK),-network $(NETWORK))

soak: ## load and faults for DURATION (default 10m); fails if a process grows
	CGO_ENABLED=0 $(GO) test -count=1 -v -timeout 0 ./internal/chaos -run '^TestSoak$$' \
	  -args -soak $(or $(DURATION),10m) $(if $(SEED),-seed $(SEED)) $(if $(NETWORK),-network $(NETWORK))

shipped: ## all tests without cgo, as the program is shipped
	CGO_ENABLED=0 $(GO) test -p $(PARALLEL) -timeout 280s ./...

fuzz: ## each fuzz target for FUZZTIME (default 20s)
	@set -e; grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | \
	while read -r dir; do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$dir/*_test.go); do \
	    echo "$$dir $$target"; \
	    CGO_ENABLED=0 $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$dir; \
	  done; \
	done

interop: build ## ours against the C programs of Dafka that are on PATH
	PATH="$(CURDIR)/$(BIN):$$PATH" CGO_ENABLED=0 $(GO) test -count=1 -v -run '^TestInterop' \
	  $$(grep -rl --include='*_test.go' '^func TestInterop' . | xargs -n1 dirname | sort -u)

compare: build ## beck against its peers in one run: ROUNDS, COUNT; writes docs/performance.md
	cd bench && CGO_ENABLED=0 $(GO) build -o $(abspath $(BIN))/bench .
	$(BIN)/bench compare --beck $(BIN)/beck --rounds $(ROUNDS) --count $(COUNT) --docs docs --raw $(BIN)/compare.jsonl

comparetest: build ## the tests of the comparison itself, which is a module of its own
	cd bench && CGO_ENABLED=0 $(GO) vet ./...
	cd bench && BECK=$(abspath $(BIN))/beck CGO_ENABLED=0 $(GO) test -count=1 -timeout 280s ./...

packagetest: ## what installs beck: packages in a root of their own (as root), archives, images, compose, Kubernetes
	cd packaging && CGO_ENABLED=0 $(GO) vet ./...
	cd packaging && CGO_ENABLED=0 $(GO) test -count=1 -timeout 600s ./...

lint: ## go vet, and the rules of internal/lint
	CGO_ENABLED=0 $(GO) vet ./...
ifneq ($(TAGS),)
	$(GO) vet $(TAGS) ./...
endif
	CGO_ENABLED=0 $(GO) test -count=1 ./internal/lint

check: ## before a release: tests, 2,000 histories, 1,000 crash points, planted defects, some fuzzing
	$(MAKE) lint build race rules shipped
	$(MAKE) sim SEEDS=2000
	$(MAKE) crash POINTS=1000
	$(MAKE) planted
	$(MAKE) fuzz FUZZTIME=3s

check-full: ## 100,000 histories (about an hour), 5,000 crash points, full chaos
	$(MAKE) crash POINTS=5000
	$(MAKE) sim SEEDS=100000
	$(MAKE) chaos

clean: ## remove what was built
	rm -rf $(BIN)
