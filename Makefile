# All that is needed is Python 3.11, 3.12 or 3.13. To choose one: make run PYTHON=/path/to/python3.12
.PHONY: run test reference setup

# Every experiment, with its report under results/.
run: setup
	.venv/bin/gradient-diff run all

# What a change must pass. Two workers, one thread of linear algebra each: more would wait for each other.
test: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 .venv/bin/pytest -n 2 --dist loadgroup

# The committed results, which a test compares with a fresh run.
reference: setup
	.venv/bin/gradient-diff run all --out results/reference

# The script itself knows when there is nothing to do: no file date alone tells of a moved folder or a removed Python.
setup:
	@sh tools/setup.sh
