# Two commands do everything on a fresh machine: `make demo` and `make test`.
.PHONY: help install install-tests demo listen test test-fast check lock

help:
	@echo "make install  .venv with everything, system packages included"
	@echo "make install-tests  that, and the programs that tests run: Lua, Pure Data, SuperCollider, Ardour, eSpeak NG, Chromium, Node"
	@echo "make demo     the whole path on a piano clip: demo/out.mid, demo/out.wav, demo/out.png"
	@echo "make listen   examples of each task, to hear and to see: listen/index.html"
	@echo "make test     lint, types, import contracts and tests"
	@echo "make test-fast  the tests that need no JACK, no real time and under a minute"
	@echo "make check    lint, types and import contracts alone"
	@echo "make lock     pin requirements.txt anew from pyproject.toml"

install:
	@script/install

demo: install
	@.venv/bin/python examples/demo.py

listen: install
	@.venv/bin/diffroll-live listen

install-tests:
	@script/install --tests

test: install-tests
	@script/check
	@script/test

test-fast: install
	@script/test-fast

check: install
	@script/check

lock: install
	@script/lock
