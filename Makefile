.PHONY: demo test test-all coverage codes bench lint format docs fuzz faults ci

demo: ## pack a fixture project with a linked dependency
	sh .ci/demo

test: ## the unit tests, without network, in about a minute
	sh .ci/setup test
	.venv/bin/python -m pytest -q -n 2 -m "not (slow or property or differential or installs)"

test-all: ## every test; installs what they compare with
	sh .ci/test

coverage: ## every test with lines and branches counted; fails below the gate in pyproject.toml
	sh .ci/setup test
	.venv/bin/coverage erase
	.venv/bin/coverage run -m pytest -q -n 2 -m "not bare"
	.venv/bin/coverage combine --quiet
	.venv/bin/coverage report

codes: ## docs/codes.md from the register of codes
	sh .ci/setup test
	.venv/bin/python -m tests.tools.make_codes

bench: ## linkpack and the installed package managers side by side; minutes
	sh .ci/setup test
	.venv/bin/python -m tests.benchmarks

lint: ## check style and types
	sh .ci/setup test,lint
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: ## lay the code out
	sh .ci/setup test,lint
	.venv/bin/ruff format .

SECONDS_EACH = 600
fuzz: ## let atheris look for inputs that break a reader, ten minutes each; what it finds is in build/fuzz
	sh .ci/setup fuzz
	for target in manifest patterns npmrc tarball; do \
	  mkdir -p build/fuzz/$$target && \
	  .venv/bin/python -m tests.fuzz.run $$target -max_total_time=$(SECONDS_EACH) -timeout=20 -max_len=8192 \
	    -artifact_prefix=build/fuzz/$$target- build/fuzz/$$target fixtures/fuzz/$$target || exit 1; \
	done

faults: ## every fault at every call of every command, and the tables of docs/security.md from that; minutes
	sh .ci/setup test
	.venv/bin/python -m tests.tools.fault_table

docs: ## the library's reference, as HTML, in build/docs
	sh .ci/setup docs
	.venv/bin/python -m pdoc linkpack linkpack.packing.pack linkpack.packing.plan linkpack.errors --output-directory build/docs

ci: ## everything that has to pass
	bash .ci/run
