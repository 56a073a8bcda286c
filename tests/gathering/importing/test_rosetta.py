import pytest

from knm.errors import UserError
from tests.gathering.importing.importers import find, reasons, write_files


@pytest.fixture
def folder(tmp_path):
    root = write_files(
        tmp_path / "RosettaCodeData",
        {
            "Task/A-B/00-TASK.txt": "{{task}}\n;Task:\nAdd ''two'' numbers.",
            "Task/A-B/00-META.yaml": (
                "---\ncategory:\n- Arithmetic\n- 7\nfrom: http://rosettacode.org/wiki/A+B\n"
            ),
            "Task/A-B/Lua/a-b-1.lua": "print(io.read('*n') + io.read('*n'))",
            "Task/A-B/Lua/a-b-2.lua": "a, b = io.read('*n', '*n')\r\nprint(a + b)",
            "Task/A-B/Luau/a-b.luau": "print(1)",
            "Task/A-B/Python/a-b.py": "print(1)",
            "Task/Old/0DESCRIPTION": "Old.",
            "Task/Old/00-META.yaml": "{ not: [yaml",
            "Task/Old/Lua/old.lua": b"print('\xe9')",
            "Task/Old/Lua/old-2.lua": "print(2)",
            "Task/None/Python/none.py": "print(1)",
            "Task/Sly/Python/x.py": "",
        },
    )
    (root / "Lang" / "Lua").mkdir(parents=True)
    (root / "Lang" / "Lua" / "A-B").symlink_to("../../Task/A-B/Lua")
    (root / "Task" / "Sly" / "Lua").symlink_to(tmp_path)
    return root


def test_programs_are_found_task_by_task(folder):
    found, skips = find("rosetta", folder, licence="GFDL-1.3")
    records = [one.record for one in found]
    assert [record.id for record in records] == [
        "rosetta/A-B/Lua/a-b-1.lua",
        "rosetta/A-B/Lua/a-b-2.lua",
        "rosetta/Old/Lua/old-2.lua",
    ]
    assert records[0].statement == "Task:\nAdd two numbers."
    assert records[0].extras == {
        "title": "A B",
        "licence": "GFDL-1.3",
        "url": "http://rosettacode.org/wiki/A+B",
        "tags": ["Arithmetic"],
        "path": "Task/A-B/Lua/a-b-1.lua",
    }
    assert {record.problem for record in records[:2]} == {"rosetta-A-B"}
    assert "\r" not in records[1].program
    assert records[2].statement == "Old."
    assert reasons(skips) == {
        "Task/Old/00-META.yaml": "metadata that is no YAML",
        "Task/Old/Lua/old.lua": "bad encoding",
        "Task/Sly/Lua": "link out of the folder",
    }


def test_another_language_and_encoding_can_be_asked_for(folder):
    found, _ = find("rosetta", folder, language="python")
    assert [one.record.language for one in found] == ["python"] * 3
    found, _ = find("rosetta", folder, encoding="latin-1")
    assert "print('\xe9')" in [one.record.program for one in found]


def test_a_folder_without_tasks_is_refused(tmp_path):
    with pytest.raises(UserError, match="no folder Task in it"):
        find("rosetta", tmp_path)
