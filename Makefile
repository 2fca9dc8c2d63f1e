# All that is needed is Python 3.11, 3.12 or 3.13. To choose one: make run PYTHON=/path/to/python3.12
.PHONY: run test test-all checks slow docs reference setup

# Every experiment, with its report under results/.
run: setup
	.venv/bin/gradient-diff run all

# Two workers, one thread of linear algebra each: more would wait for each other. The studies, the longest groups of
# tools/sharing.py, come first in the order of the folders, and the shortest, doctests, last. What is compiled is kept,
# also where the environment says otherwise: without it each worker and each command that a test starts compiles anew.
ALONE = PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
PYTEST = $(ALONE) .venv/bin/pytest -n 2 --dist loadgroup --no-loadscope-reorder

# What a change must pass. It says how long it took, and which tests took over 8 seconds: those are to be marked slow.
test: setup
	@sh tools/timed.sh "make test" $(MAKE) --no-print-directory checks

checks:
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	$(PYTEST) -m "not slow" --durations 10 --durations-min 8

# All of it: the quick tests, then the slow ones.
test-all: test slow

slow: setup
	$(PYTEST) -m slow

# The documentation, in build/docs; a warning is an error. A slow test does the same, and looks at what came out.
docs: setup
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict # with --quiet it would count no warning

# The committed results, which a test compares with a fresh run.
reference: setup
	.venv/bin/gradient-diff run all --out results/reference

# The script itself knows when there is nothing to do: no file date alone tells of a moved folder or a removed Python.
setup:
	@sh tools/setup.sh
