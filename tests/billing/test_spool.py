"""The spool on disk: what was answered is found again, whole, by exactly one process."""

import os
import subprocess
import sys
from uuid import uuid4

import orjson
import pytest
from hypothesis import given, strategies as st

from billing.spool import SpoolFile, batches, count_damaged, damaged, line, waiting

# As the meter writes them: JSON has no line breaks of its own.
batch = st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53), min_size=1).map(orjson.dumps)
many = st.lists(batch, min_size=1, max_size=6)


@given(many)
def test_what_was_written_is_read(found):
    assert list(batches(b"".join(map(line, found)))) == found


@given(many, st.data())
def test_whatever_the_tail_lost_all_whole_lines_are_read_and_nothing_else(found, data):
    content = b"".join(map(line, found))
    kept = data.draw(st.integers(0, len(content)))
    assert count_damaged(content[:kept]) == 0
    whole = [each for number, each in enumerate(found) if len(b"".join(map(line, found[: number + 1]))) - 1 <= kept]
    assert list(batches(content[:kept])) == whole


@given(many, st.data())
def test_a_changed_byte_loses_its_own_line_at_most_and_never_passes(found, data):
    content = bytearray(b"".join(map(line, found)))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    read = list(batches(bytes(content)))
    assert [each for each in read if each not in found] == []
    assert len(read) >= len(found) - 2
    assert count_damaged(bytes(content)) or read == found[:-1]


@given(many, st.binary(max_size=40))
def test_garbage_after_the_end_is_left_out(found, garbage):
    assert list(batches(b"".join(map(line, found)) + garbage.replace(b"\n", b""))) == found


def test_a_file_holds_what_was_appended_until_it_is_cleared(tmp_path):
    file = SpoolFile.create(tmp_path / "new", uuid4())
    assert waiting(tmp_path / "new") == []
    file.append(b"one")
    file.append(b"two")
    assert file.read() == [b"one", b"two"]
    assert waiting(tmp_path / "new") == [file.path]
    file.clear()
    assert (file.read(), waiting(tmp_path / "new")) == ([], [])
    file.append(b"three")
    assert file.read() == [b"three"]
    file.remove()
    assert list((tmp_path / "new").iterdir()) == []


def test_only_its_owner_can_read_it(tmp_path):
    file = SpoolFile.create(tmp_path / "new", uuid4())
    assert file.path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    file.close()


def test_a_file_whose_process_lives_is_not_adopted(tmp_path):
    file = SpoolFile.create(tmp_path, uuid4())
    file.append(b"one")
    assert SpoolFile.adopt(file.path) is None
    file.close()
    orphan = SpoolFile.adopt(file.path)
    assert orphan.read() == [b"one"]
    assert SpoolFile.adopt(file.path) is None
    orphan.remove()
    assert SpoolFile.adopt(file.path) is None


def test_one_that_was_removed_by_who_was_faster_is_not_adopted(tmp_path, monkeypatch):
    """Opened before, locked after another had replayed and removed it."""
    file = SpoolFile.create(tmp_path, uuid4())
    file.append(b"one")
    flock = SpoolFile.adopt.__func__.__globals__["fcntl"].flock

    def slow(handle, how):
        file.remove()
        flock(handle, how)

    monkeypatch.setattr("billing.spool.fcntl.flock", slow)
    assert SpoolFile.adopt(file.path) is None


@pytest.mark.parametrize("fault", ["write", "fsync"])
def test_what_the_disk_refused_is_not_kept_half(tmp_path, monkeypatch, fault):
    file = SpoolFile.create(tmp_path, uuid4())
    file.append(b"one")
    real, calls = getattr(os, fault), []

    def full(handle, *data):
        calls.append(handle)
        if data and len(calls) == 1:
            return real(handle, data[0][:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"billing.spool.os.{fault}", full)
    with pytest.raises(OSError, match="No space"):
        file.append(b"two")
    monkeypatch.undo()
    file.append(b"three")
    assert file.read() == [b"one", b"three"]
    file.close()


def test_what_was_appended_survives_the_kill_of_its_process(tmp_path):
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom uuid import uuid4\n"
        "from billing.spool import SpoolFile\n"
        "file = SpoolFile.create(Path(sys.argv[1]), uuid4())\n"
        "[file.append(b'batch %d' % n) for n in range(50)]\n"
        "os.write(file._handle, b'0badc0de torn')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60, check=False)
    assert done.returncode == -9
    (path,) = waiting(tmp_path)
    orphan = SpoolFile.adopt(path)
    assert orphan.read() == [b"batch %d" % n for n in range(50)]
    orphan.close()


def test_a_damaged_line_is_set_apart_with_its_file(tmp_path):
    file = SpoolFile.create(tmp_path, uuid4())
    for each in (b"one", b"two", b"three"):
        file.append(each)
    assert (file.set_apart(), damaged(tmp_path)) == (0, [])
    content = file.path.read_bytes().replace(b"two", b"tvo")
    file.path.write_bytes(content)
    assert file.set_apart() == 1
    assert file.read() == [b"one", b"three"]
    file.remove()
    (kept,) = damaged(tmp_path)
    assert kept.read_bytes() == content


def test_without_a_folder_nothing_waits(tmp_path):
    assert (waiting(tmp_path / "none"), damaged(tmp_path / "none")) == ([], [])
