"""Tests of the tables and of what is kept of them."""

from __future__ import annotations

from diffroll_live.evaluation.store import Store
from diffroll_live.evaluation.tables import percent, plain, table


def test_a_table_has_dashes_where_nothing_was_found() -> None:
    text = table([{"a": "x", "b": 0.5}, {"a": "y", "b": None}], {"a": ("name", plain), "b": ("share", percent)})
    assert text.splitlines() == ["| name | share |", "| --- | --- |", "| x | 50.0 % |", "| y | - |"]


def test_rows_are_worked_out_once_unless_asked(tmp_path) -> None:
    made: list[int] = []

    def make() -> list[dict[str, int]]:
        made.append(1)
        return [{"n": len(made)}]

    for _ in range(2):
        assert Store(tmp_path / "new").rows("part", {"steps": 1}, make) == [{"n": 1}]
    assert Store(tmp_path / "new").rows("part", {"steps": 2}, make) == [{"n": 2}]
    assert Store(tmp_path / "new", fresh=True).rows("part", {"steps": 1}, make) == [{"n": 3}]
    for path in (tmp_path / "new").iterdir():
        path.write_text("[{")
    assert Store(tmp_path / "new").rows("part", {"steps": 1}, make) == [{"n": 4}]
