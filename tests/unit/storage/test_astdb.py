"""The AstDB: what is written is there at once, and after a crash."""

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.storage.astdb import AstDb, QueryError


@pytest.fixture
def db(tmp_path: Path) -> AstDb:
    made = AstDb(str(tmp_path / "db" / "astdb.sqlite3"))
    made.open()
    return made


def on_disk(db: AstDb) -> dict[str, str]:
    disk = sqlite3.connect(f"file:{db.path}?mode=ro", uri=True)
    try:
        return dict(disk.execute("SELECT key, value FROM astdb"))
    finally:
        disk.close()


async def test_a_change_is_visible_at_once_and_safe_after_flush(db: AstDb) -> None:
    db.put("f", "k", "1")
    assert db.get("f", "k") == "1"
    await db.flush()
    assert on_disk(db) == {"/f/k": "1"}
    db.put("f", "k", "2")
    assert db.delete("f", "k")
    assert not db.delete("f", "k")
    assert db.get("f", "k") is None
    await db.flush()
    assert on_disk(db) == {}
    db.close()


async def test_another_process_finds_what_was_flushed_even_without_a_close(db: AstDb) -> None:
    for number in range(50):
        db.put("f", str(number), "x" * number)
    await db.flush()
    # Neither closed nor checkpointed, as after a power cut: the write-ahead log has it.
    again = AstDb(db.path)
    again.open()
    assert len(again) == 50
    assert again.get("f", "49") == "x" * 49
    again.close()
    db.close()


def test_closing_writes_what_waits(db: AstDb) -> None:
    db.put("f", "k", "v")
    db.close()
    assert on_disk(db) == {"/f/k": "v"}


def test_trees_match_as_in_asterisk(db: AstDb) -> None:
    for family, key in (("A", "x"), ("A/b", "x"), ("a/B", "y"), ("AB", "x"), ("C", "x/y"), ("A", "b")):
        db.put(family, key, "1")
    assert [key for key, _ in db.tree("A")] == ["/A/b", "/A/b/x", "/A/x", "/a/B/y"]
    assert [key for key, _ in db.tree("A", "b")] == ["/A/b", "/A/b/x", "/a/B/y"]
    assert [key for key, _ in db.tree("A%")] == ["/A/b", "/A/b/x", "/A/x", "/AB/x", "/a/B/y"]
    assert [key for key, _ in db.tree("A_")] == ["/AB/x"]
    assert len(db.tree()) == 6
    assert [key for key, _ in db.with_key("x")] == ["/A/b/x", "/A/x", "/AB/x"]
    assert [key for key, _ in db.by_prefix("A", "b")] == ["/A/b/x"]
    assert list(db.families()) == ["A", "AB", "C", "a"]
    assert db.delete_tree("a", "b") == 3
    assert db.delete_tree("a", "b") == 0
    assert db.delete_tree() == 3
    assert len(db) == 0
    db.close()


async def test_queries_see_and_change_the_database(db: AstDb) -> None:
    db.put("f", "a", "1")
    assert await db.query("SELECT key, value FROM astdb") == [[("key", "/f/a"), ("value", "1")]]
    assert await db.query("UPDATE astdb SET value = '2'") == []
    assert db.get("f", "a") == "2"
    with pytest.raises(QueryError, match="no such table"):
        await db.query("SELECT * FROM nix")
    db.close()


def test_a_damaged_file_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "astdb.sqlite3"
    path.write_bytes(b"this is no database, but long enough to look like a file" * 50)
    db = AstDb(str(path))
    db.open()
    db.put("f", "k", "v")
    db.close()
    assert on_disk(db) == {"/f/k": "v"}
    assert [name for name in os.listdir(tmp_path) if ".damaged-" in name]
    assert "put aside" in caplog.text


async def test_a_database_that_is_locked_is_written_later(db: AstDb, caplog: pytest.LogCaptureFixture) -> None:
    other = sqlite3.connect(db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert db._disk is not None
    db._disk.execute("PRAGMA busy_timeout=1")
    db.put("f", "k", "v")
    writing = asyncio.ensure_future(db.flush())
    await asyncio.sleep(0.05)
    assert not writing.done()
    other.execute("COMMIT")
    other.close()
    db.put("f", "k2", "v")
    await asyncio.wait_for(writing, 10)
    assert on_disk(db) == {"/f/k": "v", "/f/k2": "v"}
    assert "tried again" in caplog.text
    db.close()


_KEY = st.text("abAB/_%éÉ", min_size=1, max_size=4)


@given(st.lists(st.tuples(_KEY, _KEY, st.one_of(st.none(), st.text(max_size=3))), max_size=12), _KEY)
def test_memory_and_disk_agree_about_everything(changes: list[tuple[str, str, str | None]], asked: str) -> None:
    db = AstDb(":memory:")
    db.open()
    model: dict[str, str] = {}
    for family, key, value in changes:
        if value is None:
            assert db.delete(family, key) == (model.pop(f"/{family}/{key}", None) is not None)
        else:
            db.put(family, key, value)
            model[f"/{family}/{key}"] = value
    assert dict(db.tree()) == model
    # SQLite's own LIKE is the judge of what a tree is; it folds the case of ASCII letters only.
    judge = sqlite3.connect(":memory:")
    judge.execute("CREATE TABLE astdb(key TEXT, value TEXT)")
    judge.executemany("INSERT INTO astdb VALUES (?, ?)", model.items())
    expected = judge.execute(
        "SELECT key, value FROM astdb WHERE key || '/' LIKE ? || '/' || '%' ORDER BY key", (f"/{asked}",)
    ).fetchall()
    judge.close()
    assert db.tree(asked) == expected
    db.close()
