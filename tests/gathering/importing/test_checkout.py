import pytest

from knm.errors import UserError
from tests.gathering.importing.importers import find, reasons, write_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path):
    return write_files(
        tmp_path / "checkout",
        {
            "LICENSE": "SPDX-License-Identifier: MIT",
            ".git/HEAD": "ref: refs/heads/main\n",
            ".git/packed-refs": f"# pack-refs\n{COMMIT} refs/heads/main\n",
            ".git/config": '[core]\n\tbare = no\n[remote "origin"]\n\turl = git@host:own/lib.git\n',
            ".git/hooks/x.lua": "function hidden() end",
            "src/a.lua": "-- Adds.\nfunction add(a, b) return a + b end f = function() end",
            "src/data.lua": "return { 1, 2 }",
            "src/bad.lua": "function f() return = end\nfunction g() end",
            "src/empty.lua": "",
        },
    )


def test_functions_are_found_with_their_comments(folder):
    found, skips = find("github", folder)
    first, second, third = (one.record for one in found)
    assert first.id == "github:own/lib/src/a.lua:2"
    assert (first.statement, first.source) == ("Adds.", "github:own/lib")
    assert first.program == "function add(a, b) return a + b end\n"
    assert first.extras == {
        "title": "add",
        "licence": "MIT",
        "path": "src/a.lua:2",
        "commit": COMMIT,
    }
    assert second.id == "github:own/lib/src/a.lua:2:37"
    assert third.extras["title"] == "g"
    assert reasons(skips) == {
        "src/bad.lua:1": "does not parse",
        "src/data.lua": "no function",
        "src/empty.lua": "no function",
    }


def test_a_folder_without_git_goes_by_its_name(folder):
    for path in sorted((folder / ".git").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    found, _ = find("github", folder)
    assert found[0].record.source == "github:checkout"
    assert "commit" not in found[0].record.extras
    assert find("github", folder, name="mine")[0][0].record.id == "mine/src/a.lua:2"


def test_other_languages_are_refused(folder):
    with pytest.raises(UserError, match="in Lua alone"):
        find("github", folder, language="python")
