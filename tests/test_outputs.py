import multiprocessing
import os
from pathlib import Path

import pytest

from knm.errors import UserError
from knm.outputs import Output, check_output_directory, check_outputs, file_named, hold_file


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text("kept")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.jsonl").write_text("kept")
    return tmp_path


def everything(directory: Path) -> dict[str, str | None]:
    return {
        str(path.relative_to(directory)): path.read_text() if path.is_file() else None
        for path in directory.rglob("*")
    }


def linked(target: Path, name: str, link: str) -> Path:
    path = target.with_name(name)
    if link == "symbolic":
        path.symlink_to(target)
    else:
        os.link(target, path)
    return path


@pytest.mark.parametrize("written", ["in.jsonl", "./set/../in.jsonl", "soft", "hard"])
@pytest.mark.parametrize("relative", [False, True])
def test_an_input_is_no_output_by_whatever_name(here, written, relative):
    linked(here / "in.jsonl", "soft", "symbolic")
    linked(here / "in.jsonl", "hard", "hard")
    path = Path(written) if relative else here / written
    with pytest.raises(UserError, match=r"--out: .* would be written over, and it is read"):
        check_outputs(
            [Output("--out", (here / "new.json", path))], [None, "o/w", here / "in.jsonl"]
        )


def test_an_input_behind_a_link_is_found_too(here):
    link = linked(here / "in.jsonl", "link", "symbolic")
    with pytest.raises(UserError, match="would be written over"):
        check_outputs([Output("--out", (here / "in.jsonl",))], [link])


def test_files_of_a_directory_that_is_read_are_left_alone(here):
    for name in ("a.jsonl", "new.jsonl"):
        with pytest.raises(UserError, match="one of the files of set"):
            check_outputs([Output("--out", (here / "set" / name,))], ["set"])
    check_outputs([Output("--out", (here / "set" / "deeper" / "new.jsonl",))], ["set"])


def test_two_outputs_are_two_files(here):
    outputs = [Output("--out", (Path("x"),)), Output("--removed", (here / "x",))]
    with pytest.raises(UserError, match="--removed: .*x would be written twice"):
        check_outputs(outputs)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("set", "is a directory"),
        ("in.jsonl/r.json", "cannot be written: Not a directory"),
        ("dangling/r.json", "cannot be written: No such file"),
        ("/proc/r.json", "cannot be written"),
        ("/dev/null", "is no ordinary file"),
        ("n" * 250, "cannot be written: File name too long"),
        ("a\0b", "cannot be written: embedded null byte"),
        ("loop/r.json", "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_found_out_at_once(here, name, message):
    (here / "dangling").symlink_to(here / "nowhere")
    (here / "loop").symlink_to(here / "loop")
    before = everything(here)
    with pytest.raises(UserError, match=f"--out: .*{message}"):
        check_outputs([Output("--out", (Path(name),))], ["in.jsonl"])
    assert everything(here) == before


def test_looking_changes_nothing(here):
    before = everything(here)
    files = (here / "in.jsonl", here / "deep" / "er" / "new.json", here / "new")
    check_outputs([Output("--out", files)], ["no/such-hub-id", "x" * 5000, "a\0b"])
    check_output_directory("--out", here / "deep" / "er")
    assert everything(here) == before


def test_what_exists_is_replaced_only_on_demand(here):
    output = Output("--out", (here / "in.jsonl",))
    with pytest.raises(UserError, match=r"in\.jsonl exists; .*overwrite"):
        check_outputs([output], overwrite=False)
    check_outputs([output], overwrite=True)
    with pytest.raises(UserError, match="--out set: there is something in it; .*overwrite"):
        check_output_directory("--out", Path("set"), overwrite=False)
    (here / "empty").mkdir()
    check_output_directory("--out", here / "empty", overwrite=False)


def test_a_name_of_ours_is_no_directory_that_happens_to_be_called_so(here):
    (here / "lua").mkdir()
    output = Output("--out", (here / "lua" / "new.json",))
    check_outputs([output], [file_named("lua"), file_named("task"), file_named(None)])
    with pytest.raises(UserError, match="would be written over"):
        check_outputs([Output("--out", (here / "in.jsonl",))], [file_named("in.jsonl")])


def test_a_directory_of_results_holds_no_input(here):
    with pytest.raises(UserError, match="--out set: is read"):
        check_output_directory("--out", Path("set"), [here / "set"])
    with pytest.raises(UserError, match=r"--out .*: holds in\.jsonl, which is read"):
        check_output_directory("--out", here, ["in.jsonl"])
    with pytest.raises(UserError, match="is a file"):
        check_output_directory("--out", here / "in.jsonl")
    with pytest.raises(UserError, match="cannot be written"):
        check_output_directory("--out", here / "in.jsonl" / "deeper")
    check_output_directory("--out", here, [here / "set"])  # as the models of an audit lie in it


def _try_to_hold(path: Path) -> str:
    try:
        hold_file(path, "a+b").close()
    except UserError as error:
        return str(error)
    return "held"


def test_a_file_is_held_by_one_process(tmp_path):
    path = tmp_path / "deep" / "stream.jsonl"
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with hold_file(path, "a+b") as file:
            file.write(b"mine\n")
            assert "another process is writing it" in pool.apply(_try_to_hold, [path])
        assert pool.apply(_try_to_hold, [path]) == "held"
    assert path.read_bytes() == b"mine\n"
