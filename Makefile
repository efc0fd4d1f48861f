.PHONY: demo test lint format docs ci

demo: ## pack a fixture project with a linked dependency
	sh .ci/demo

test: ## run the tests
	sh .ci/test

lint: ## check style and types
	sh .ci/setup test,lint
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: ## lay the code out
	sh .ci/setup test,lint
	.venv/bin/ruff format .

docs: ## the library's reference, as HTML, in build/docs
	sh .ci/setup docs
	.venv/bin/python -m pdoc linkpack linkpack.api linkpack.errors --output-directory build/docs

ci: ## everything that has to pass
	bash .ci/run
