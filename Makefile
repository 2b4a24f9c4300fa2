# The first Python that is new enough: that of .venv, or the user's own `python3` before all others.
MINIMUM := import sys; sys.exit(sys.version_info < (3, 11))
MADE_BY := $(shell sed -n 's/^executable = //p' .venv/pyvenv.cfg 2>/dev/null)
CANDIDATES := $(MADE_BY) python3 python3.14 python3.13 python3.12 python3.11
PYTHON := $(or $(PYTHON),$(shell for p in $(CANDIDATES); do \
	$$p -c '$(MINIMUM)' 2>/dev/null && echo $$p && break; done),python3)
BIN := .venv/bin

# A sourced ROS installation must not mix with the one in .venv, and logs stay in the checkout.
unexport AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH LD_LIBRARY_PATH PYTHONPATH
unexport PYTHONHOME RMW_IMPLEMENTATION _ROS_WHEELS_BOOTSTRAP_COMPLETE
export ROS_LOG_DIR ?= $(CURDIR)/log

.PHONY: help setup demo test test-humble test-kilted soak fuzz kills bench docs lint clean

help:
	@echo "make setup   create .venv with everything that is needed"
	@echo "make demo    track a target through ROS 2 and report (CLIP=path BOX=x,y,w,h: your own; TARGETS=3)"
	@echo "make test    run the tests (ARGS=... goes to pytest)"
	@echo "make test-humble  what needs neither ROS nor torch, on Python 3.10, NumPy 1.21, OpenCV 4.5.4"
	@echo "make test-kilted  the nodes on ROS 2 Kilted, from wheels, in .venv-kilted"
	@echo "make soak    nodes for minutes: many frames, bad messages, kill -9 (ARGS=... for longer)"
	@echo "make fuzz    2,000 damaged files, of every kind that is read (ARGS=... for more)"
	@echo "make kills   kill -9 of evaluator, tracker and trainer (ARGS=... for more)"
	@echo "make bench   measure speed (ARGS=... goes to tracker-ros benchmark)"
	@echo "make docs    write the API reference, from the docstrings"
	@echo "make lint    check style, imports between the rooms, and types"
	@echo "make clean   remove everything that these commands made"

setup:
	@$(PYTHON) -c '$(MINIMUM)' 2>/dev/null || \
		{ echo "setup: $(PYTHON) is not Python 3.11 or newer; name one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) tools/setup_env.py

demo: setup
	@$(BIN)/tracker-ros demo $(if $(CLIP),"$(CLIP)") $(if $(BOX),--box="$(BOX)") $(if $(TARGETS),--targets="$(TARGETS)")

# A file's tests stay together: they share what they start, load and render. ARGS="-n 0": one process.
# Three, since many tests wait for nodes: on two cores they take a fifth less time than two.
test: setup
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# Python 3.10, NumPy 1.21 and OpenCV 4.5.4, without ROS and torch.
PYTHON310 ?= python3.10
HUMBLE := .venv-humble
$(HUMBLE)/ready: requirements/humble.txt
	@$(PYTHON310) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' 2>/dev/null || \
		{ echo "test-humble: $(PYTHON310) is not Python 3.10; name one with PYTHON310=..." >&2; exit 1; }
	@$(PYTHON310) -m venv --clear $(HUMBLE)
	@$(HUMBLE)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

test-humble: $(HUMBLE)/ready
	@PYTHONPATH=$(CURDIR) $(HUMBLE)/bin/python -m pytest -p no:cacheprovider $(or $(ARGS),test/core test/sources \
		test/runtime test/examples test/conversions)

# The nodes on the next ROS 2.
test-kilted:
	@ROS_WHEELS=kilted $(PYTHON) tools/setup_env.py
	@.venv-kilted/bin/python -m pytest $(or $(ARGS),test/nodes test/replay test/packaging/test_interfaces.py)

soak: setup
	@$(BIN)/python tools/soak $(ARGS)

fuzz: setup
	@$(BIN)/python tools/fuzz.py $(ARGS)

kills: setup
	@$(BIN)/python tools/kills.py $(ARGS)

# What the package imports when it is first used, pdoc must find already there.
ROOMS := core networks engines conversions sources runtime nodes datasets training evaluation replay \
	commands
docs: setup
	@$(BIN)/python -c 'import tracker_ros as t; vars(t).update({n: getattr(t, n) for n in t.__all__}); \
		from pdoc.__main__ import cli; cli()' --docformat google --output-directory out/api \
		tracker_ros $(addprefix tracker_ros.,$(ROOMS))
	@echo "The API reference is out/api/index.html."

bench: setup
	@$(BIN)/tracker-ros benchmark --json out/benchmark.json --plot out/benchmark.png $(ARGS)

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/lint-imports && $(BIN)/mypy

clean:
	rm -rf .venv .venv-kilted $(HUMBLE) build dist install log out output *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
