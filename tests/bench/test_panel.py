"""What the panel's benchmark measures: a job's own first note, not a repainting of notes that were there before."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.panel_page import served_panel

from diffroll_live.bench.daemon import Daemon
from diffroll_live.bench.panel import asking, first_note, opened, run


@pytest.mark.slow
def test_the_roll_is_empty_before_each_job_that_is_measured(tmp_path):
    folders = (tmp_path, Path(tempfile.gettempdir()))
    with served_panel(tmp_path, allowed_folders=folders) as served, opened() as (page, tools):
        page.goto(served.panel.address)
        expect(page.locator("#link")).to_contain_text("ready")
        with asking(Daemon(0, served.daemon.port, 0.0)) as asker:
            for _ in range(2):
                first_note(tools, asker)
                counts = [notes for notes, _ in run(tools, "window.painted")]
                assert counts[0] == 0
                assert counts == sorted(counts)
