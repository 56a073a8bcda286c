import pytest

from knm.errors import UserError
from tests.gathering.importing.importers import find, reasons, write_files

PAGE = (
    '<h2><a href="https://leetcode.com/problems/two-sum/">1. Two Sum</a></h2><h3>Easy</h3>'
    "<p>Add.</p>"
)


@pytest.fixture
def folder(tmp_path):
    return write_files(
        tmp_path / "leetcode",
        {
            "README.md": "# My solutions",
            "LICENSE": "SPDX-License-Identifier: MIT",
            "0001-two-sum/README.md": PAGE,
            "0001-two-sum/0001-two-sum.lua": "local function twoSum() end",
            "0001-two-sum/0001-two-sum.py": "pass",
            "0001-two-sum/test_two_sum.lua": "print(1)",
            "118_PascalTriangle/LuaSolution.lua": "print(118)",
            "118_PascalTriangle/OtherSolution.lua": "print(118, 2)",
            "named/Statement.md": "# Named\n\nDo it.\n\n## Solution\nSo.",
            "named/lua/solution.lua": "print('named')",
            "46.permutations.lua": "-- own\n-- @leet start\nprint(46)\n-- @leet end\nrun()",
            "46.permutations.md": "Permute.",
            "easy/README.md": "Easy ones.",
            "easy/3.longest.lua": "print(3)",
            "util/list.lua": "return {}",
            "2. Add/latin.lua": b"-- \xe9",
        },
    )


def test_problems_are_found_with_their_statements(folder):
    found, skips = find("leetcode", folder)
    records = {one.record.extras["path"]: one.record for one in found}
    assert sorted(records) == [
        "0001-two-sum/0001-two-sum.lua",
        "118_PascalTriangle/LuaSolution.lua",
        "118_PascalTriangle/OtherSolution.lua",
        "46.permutations.lua",
        "easy/3.longest.lua",
        "named/lua/solution.lua",
    ]
    two_sum = records["0001-two-sum/0001-two-sum.lua"]
    assert two_sum.statement == "1. Two Sum\n\nEasy\n\nAdd."
    assert (two_sum.problem, two_sum.source) == ("leetcode-1", "leetcode")
    assert two_sum.extras["licence"] == "MIT"
    assert (two_sum.extras["title"], two_sum.extras["difficulty"]) == ("two sum", "Easy")
    assert records["118_PascalTriangle/LuaSolution.lua"].extras["title"] == "Pascal Triangle"
    assert records["118_PascalTriangle/LuaSolution.lua"].statement == ""
    assert records["118_PascalTriangle/OtherSolution.lua"].problem == "leetcode-118"
    assert records["named/lua/solution.lua"].statement == "# Named\n\nDo it."
    alone = records["easy/3.longest.lua"]
    assert (alone.problem, alone.statement) == ("leetcode-3", "")
    assert records["46.permutations.lua"].program == "print(46)\n"
    assert records["46.permutations.lua"].statement == "Permute."
    assert reasons(skips) == {
        "0001-two-sum/test_two_sum.lua": "a test, not a solution",
        "util/list.lua": "no problem",
        "2. Add/latin.lua": "bad encoding",
    }


def test_keys_are_number_and_name(folder):
    found, _ = find("leetcode", folder)
    keys = {one.record.problem: one.keys for one in found}
    assert {"leetcode1", "1", "two-sum"} <= set(keys["leetcode-1"])
    assert "pascal-triangle" in keys["leetcode-118"]


def test_a_place_that_is_no_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        find("leetcode", tmp_path / "gone")
    with pytest.raises(UserError, match="give one folder"):
        find("leetcode", tmp_path, tmp_path)
