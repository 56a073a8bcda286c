"""Control groups: made where the system allows it, entered by the verifier, gone at the end."""

import os
from pathlib import Path

import pytest

from knm.languages.language import load_language
from knm.sandbox import Limits, Verdict
from knm.sandbox.cgroups import hierarchies, make_group, remove_leftovers
from knm.sandbox.local import LocalSandbox
from knm.sandbox.worker import Jail
from tests.sandbox.programs import SUM, SUM_PROGRAM

V1_GROUPS = "4:memory:/user/me\n3:cpu,cpuacct:/\n2:pids:/\n0::/\n"
V1_MOUNTS = """35 31 0:32 / {root}/memory rw,relatime - cgroup cgroup rw,memory
36 31 0:33 / {root}/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
39 31 0:36 / {root}/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:36 / {root}/unified rw,relatime - cgroup2 cgroup2 rw
"""
V2_GROUPS = "0::/user.slice/app.slice/run.scope\n"
V2_MOUNTS = "35 31 0:32 / {root} rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"


def system(tmp_path, groups, mounts):
    root = tmp_path / "cgroup"
    (tmp_path / "self").mkdir()
    (tmp_path / "self/cgroup").write_text(groups)
    (tmp_path / "self/mountinfo").write_text(
        f"30 1 0:9 / / rw - ext4 /dev/vda rw\n{mounts.format(root=root)}"
    )
    return root


def test_version_1_has_a_hierarchy_for_each_controller(tmp_path):
    root = system(tmp_path, V1_GROUPS, V1_MOUNTS)
    found = {item.controllers: item.parent for item in hierarchies(tmp_path)}
    assert found == {("memory",): root / "memory/user/me", ("pids",): root / "pids"}


def test_version_2_makes_a_sibling_where_controllers_are_shared_out(tmp_path):
    root = system(tmp_path, V2_GROUPS, V2_MOUNTS)
    assert list(hierarchies(tmp_path)) == []
    slice_ = root / "user.slice/app.slice"
    slice_.mkdir(parents=True)
    (slice_ / "cgroup.subtree_control").write_text("cpu memory pids\n")
    (found,) = hierarchies(tmp_path)
    assert (found.parent, found.controllers, found.memory) == (
        slice_,
        ("memory", "pids"),
        "memory.max",
    )


def test_part_of_a_hierarchy_that_is_mounted_is_found_by_its_root(tmp_path):
    groups = "4:memory:/docker/abc/inner\n"
    mounts = "35 31 0:32 /docker/abc {root} rw - cgroup cgroup rw,memory\n"
    root = system(tmp_path, groups, mounts)
    (found,) = hierarchies(tmp_path)
    assert found.parent == root / "inner"


def test_only_groups_of_dead_processes_are_leftovers(tmp_path):
    dead, mine, other = "knm-999999999-0", f"knm-{os.getpid()}-0", "knm-999999999-x"
    for name in (dead, mine, other):
        (tmp_path / name).mkdir()
    remove_leftovers(tmp_path)
    assert {folder.name for folder in tmp_path.iterdir()} == {mine, other}


@pytest.fixture
def group():
    made = make_group(10_000)
    if made is None:
        pytest.skip("this user may make no control group here")
    yield made
    made.remove()
    assert not any(folder.exists() for folder in made.folders)


def test_group_is_empty_until_something_enters(group):
    assert [Path(entry).read_text() for entry in group.entries] == [""] * len(group.entries)


def test_verifier_lives_in_a_group_that_goes_with_it(group):
    limits = Limits(memory_bytes=64 << 20)
    with LocalSandbox(load_language("lua").execution, limits, Jail.NAMESPACES) as sandbox:
        assert sandbox.worker is not None
        own = sandbox.worker.group
        assert own is not None
        assert sandbox.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED
        for entry in own.entries:
            assert len(Path(entry).read_text().split()) == 2, "a launcher and a verifier"
        if own.memory is not None:
            assert (64 << 20) < int(own.memory.read_text()) < (4 << 30)
    assert not any(folder.exists() for folder in own.folders)
