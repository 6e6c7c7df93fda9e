# For people. The gate is .ci/run, which calls the same things. The last line of each target is its figure or verdict.
SHELL   := /bin/bash
.SHELLFLAGS := -o pipefail -ec
BINARY  := cluster-provision
COMMIT  := $(shell git rev-parse --short HEAD 2>/dev/null)
VERSION := $(shell git describe --tags --always 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)

.PHONY: build test lint bench crash-sweep docker-test size docs

build:
	@CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o $(BINARY) ./cmd/cluster-provision
	@echo "built ./$(BINARY) $(VERSION)"

test:
	@go test ./... && echo "tests passed"

lint:
	@golangci-lint run ./... && go vet ./... && git ls-files '*.sh' .ci/run | xargs shellcheck && echo "lint clean"

bench:
	@go test -run '^$$' -bench Create -benchtime 1x ./pkg/provision/... | grep -E '^Benchmark|critical|FAIL|ok'

crash-sweep:
	@out=$$(go test -run 'CrashSweep' -count=1 -v ./pkg/provision 2>&1); code=$$?; \
	echo "$$out" | grep -E 'deaths|--- FAIL|^FAIL|^panic' | tail -n 60; \
	echo "$$out" | awk '/crash sweep.*deaths/ { n += $$(NF-4) } END { print n " deaths in virtual time, " ('$$code' ? "FAILED" : "no leak") }'; \
	exit $$code

docker-test: build
	@scripts/docker-test.sh

size: build
	@echo "$(BINARY): $$(( $$(stat -c %s $(BINARY)) / 1000000 )) MB"

# Writing fails by design, so that no gate passes by it; the second run says whether what was written holds.
docs:
	@go test ./pkg/provision/config -run 'TestReference|TestExamples' -update > /dev/null || true
	@go test ./pkg/provision/config -count=1 -run 'TestReference|TestExamples' > /dev/null
	@echo "docs/settings.md and examples/ are as the table of settings says"
