# make demo   restore with the shipped models, train the small config, evaluate it, leave pictures and tables
# make test   format, lint, import contracts, types, the wheel in an environment of its own, tests
# make quick  the same without the wheel and the tests that are marked slow
# make report the report and the tables of pages, from the files of docs/results
# make docs   the pages, in docs/_build/html, without network; a warning is an error
# make install   the virtual environment alone; a second call installs nothing

PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed
DEMO := work_dirs/demo

.PHONY: demo test quick docs report install lint chromium wheel

install: $(STAMP)

# Torch comes first: basicsr's old setup needs it, and must not be built in an environment of its own, which would
# fetch another torch.
$(STAMP): constraints.txt setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt torch numpy setuptools wheel cython
	$(BIN)/python -m pip install -q -c constraints.txt --no-build-isolation basicsr -e '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/python tools/restore.py data/photographs/held_out/coffee.png --out $(DEMO)/restored --overwrite
	$(BIN)/python tools/showcase.py cfm-x4 --out $(DEMO)/showcase --picture $(DEMO)/cfm-x4.jpg
	$(BIN)/python tools/showcase.py cfm-realsr-x4 --preset second_order --out $(DEMO)/showcase \
		--picture $(DEMO)/cfm-realsr-x4.jpg
	$(BIN)/python tools/train.py configs/cfm_realsr_tiny.py --work-dir $(DEMO) --resume
	$(BIN)/python tools/test.py configs/cfm_realsr_tiny.py $(DEMO) --work-dir $(DEMO) \
		--out $(DEMO)/result.json --show-dir $(DEMO)/pictures
	@echo "look at $(DEMO)/restored/coffee.png, $(DEMO)/cfm-x4.jpg, cfm-realsr-x4.jpg and $(DEMO)/pictures/sheet.png"

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

report: $(STAMP)
	$(BIN)/python docs/_generate/report.py

docs: $(STAMP)
	$(BIN)/python -m sphinx -q -W --keep-going -d docs/_build/doctrees docs docs/_build/html

# Debian's browser, which the tests of pages drive; where it cannot be installed they are skipped.
chromium:
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
		{ apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends chromium; } || \
		echo "no chromium could be installed"

# What a user gets: the wheel alone, in a new environment and an empty folder.
wheel: $(STAMP)
	$(BIN)/python tools/check_wheel.py

# Two processes of one thread each: the tests are many and small. A file's tests share what they prepare; the
# order of the files is that of tests/conftest.py.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
test quick: export OMP_NUM_THREADS := 1

test: lint chromium wheel
	$(PYTEST)

quick: lint chromium
	$(PYTEST) -m "not slow"
