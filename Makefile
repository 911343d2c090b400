# make help lists what there is to make. Variables can be set on the command line: make fuzz FUZZTIME=10000x

GO       ?= go
FUZZTIME ?= 2m
MP_CHAOS ?= 1000
SOAK     ?= 50000000
POOLS    ?= 10000
MODELS   ?=

# The linter is built once into a directory of its own: its requirements are no business of this module.
LINT_VERSION := v2.15.0
TOOLS        := $(shell $(GO) env GOCACHE)/mp-tools
LINT         := $(TOOLS)/golangci-lint-$(LINT_VERSION)

# What vet checks beside the system it runs on: all that the module compiles for.
SYSTEMS := linux/amd64 linux/arm64 darwin/arm64 windows/amd64

# bench/ and docs/pictures/ are modules of their own; a tree without them is fine.
BENCH    := $(dir $(wildcard bench/go.mod))
PICTURES := $(dir $(wildcard docs/pictures/go.mod))

.DEFAULT_GOAL := help
.SHELLFLAGS   := -euo pipefail -c
SHELL         := bash

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
test: ## Run the tests
	$(GO) test ./...

.PHONY: race
race: ## Run the tests with the race detector
	$(GO) test -race -timeout 15m ./...

.PHONY: vet
vet: ## Vet the module for every system it compiles for
	@for system in $(SYSTEMS); do \
		echo "vet $$system"; \
		GOOS=$${system%/*} GOARCH=$${system#*/} CGO_ENABLED=0 $(GO) vet ./...; \
	done
	@for dir in $(BENCH); do echo "vet $$dir"; (cd "$$dir" && $(GO) vet ./... && $(GO) vet -tags rivals ./...); done
	@for dir in $(PICTURES); do echo "vet $$dir"; (cd "$$dir" && $(GO) vet ./...); done

.PHONY: lint
lint: $(LINT) ## Run golangci-lint, with a reason for each exception in .golangci.yml
	$(LINT) run ./...

$(LINT):
	mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(TOOLS)/golangci-lint $(LINT)

.PHONY: fuzz
fuzz: ## Fuzz every target there is for FUZZTIME (2m) each
	@found=$$(grep -rHoE '^func Fuzz[A-Za-z0-9_]*' --include='*_test.go' --exclude-dir=bench . | sort || true); \
	while IFS=: read -r file func; do \
		if [ -z "$$file" ]; then echo "there are no fuzz targets"; continue; fi; \
		target=$${func#func }; pkg=$$(dirname "$$file"); \
		echo "fuzz $$pkg $$target for $(FUZZTIME)"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg" </dev/null; \
	done <<< "$$found"

.PHONY: fuzz-seeds
fuzz-seeds: ## Run every fuzz target on its seeds and on what was found before
	$(GO) test -run '^Fuzz' ./...

.PHONY: bench
bench: ## Run the benchmarks, and measure everything beside its rivals (bench/)
	$(GO) test -run '^$$' -bench . -benchmem ./...
	@for dir in $(BENCH); do (cd "$$dir" && $(GO) test -run '^$$' -bench . -benchmem ./... && $(GO) run .); done

.PHONY: bench-once
bench-once: ## Run each benchmark once, so that none rots: the figures mean nothing
	$(GO) test -run '^$$' -bench . -benchtime 1x ./...
	@for dir in $(BENCH); do (cd "$$dir" && $(GO) test -tags rivals -bench . -benchtime 1x ./... && $(GO) run . -short); done

.PHONY: report
report: ## Measure everything and make docs/benchmarks.md: some 14 minutes, in which nothing else should run
	cd bench && $(GO) run . -report ../docs

.PHONY: pictures
pictures: ## Draw docs/pictures/*.txt
	cd docs/pictures && $(GO) generate ./...

.PHONY: chaos
chaos: ## Kill MP_CHAOS (1000) workers under load; for MP_CHAOS_TIME (10m, 2h), as MP_CHAOS_SEED decides, if these are set
	MP_CHAOS=$(MP_CHAOS) $(GO) test -count 1 -timeout $(if $(MP_CHAOS_TIME),0,30m) -run 'Chaos|HostileWorker' ./...

.PHONY: soak
soak: ## Send SOAK (50000000) elements through one pool, in all ways at a time, and look what has grown
	MP_SOAK=$(SOAK) $(GO) test -count 1 -timeout 0 -v -run 'TestEnduranceSoak$$' .

.PHONY: pools
pools: ## Open, use and end POOLS (10000) pools, in all ways to end them, and look what is left
	MP_POOLS=$(POOLS) $(GO) test -count 1 -timeout 0 -v -run 'TestEndurancePools$$' .

.PHONY: endurance
endurance: ## Chaos and soaks, short, with GOMAXPROCS 1, 2, 8, GOGC 5, -race, and under load; ENDURANCE=-short for one row of that
	GO=$(GO) bash internal/endure/matrix.sh $(ENDURANCE)

.PHONY: model
model: ## Check the models of the protocols with spin; MODELS=-short, or names: lock sleep slot queue
	bash models/check.sh $(MODELS)

.PHONY: examples
examples: ## Run the example programs
	$(GO) run ./examples/tour
	$(GO) run ./examples/gostat .

.PHONY: ci
ci: ## Everything that has to hold before a change lands
	bash .ci/run
