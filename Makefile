# The commands of quire. `make run` and `make test` are all that a newcomer needs.

CARGO ?= cargo
PREFIX ?= $(HOME)/.local
ARGS ?=

.PHONY: run test lint bench install tools

# Builds the gateway and starts it. Options go in ARGS, for example ARGS="--listen 127.0.0.1:9000".
run: tools
	$(CARGO) build --release --locked -p gateway
	exec target/release/quire serve $(ARGS)

# Everything: unit, law, corpus, contract and exchange tests, the documentation's generators, and
# the real clients. Installs the clients by itself.
test: tools
	clients/install >/dev/null
	$(CARGO) build --locked -p gateway --bin quire
	$(CARGO) test --locked --workspace --exclude clients
	$(CARGO) test --locked -p clients -- --test-threads=2
	python3 scripts/world.py --check

lint: tools
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

# Ratios against nginx and a minimal relay; see bench/README.md. ARGS="--quick" takes a minute.
bench: tools
	bench/run $(ARGS)

install: tools
	$(CARGO) build --release --locked -p gateway
	install -d "$(PREFIX)/bin"
	install -m 755 target/release/quire "$(PREFIX)/bin/quire"
	@echo "installed $(PREFIX)/bin/quire"

tools:
	@command -v $(CARGO) >/dev/null || { echo "quire needs Rust 1.94 or newer: install it from your system or with rustup" >&2; exit 69; }
	@command -v cc >/dev/null || { echo "quire needs a C compiler, for example the package build-essential" >&2; exit 69; }
