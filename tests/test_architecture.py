import pytest

from tests.architecture import (
    ORDER,
    PACKAGE,
    against_order,
    circles,
    module_graph,
    package_graph,
    read_imports,
)


@pytest.fixture(scope="module")
def imports():
    return read_imports()


def test_every_package_has_one_place_in_the_order():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert sorted(ORDER) == sorted(folders | modules)


def test_imports_follow_the_order_whenever_they_run(imports):
    assert [str(one) for one in against_order(imports)] == []


def test_no_packages_import_each_other(imports):
    assert circles(package_graph(imports)) == []


def test_no_modules_import_each_other_when_they_are_loaded(imports):
    loaded = [one for one in imports if not one.deferred and not one.typing]
    assert circles(module_graph(loaded)) == []


def test_no_modules_import_each_other_later_or_for_types_alone(imports):
    assert circles(module_graph(imports)) == []


@pytest.fixture
def house(tmp_path):
    """A package with one import of each kind against its order and one circle of modules."""
    for name, text in {
        "house/__init__.py": "",
        "house/low/__init__.py": "from house import high\n",
        "house/low/a.py": "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from ..high.top import Top\nfrom . import b\n",
        "house/low/b.py": "import os\ndef late():\n    import house.low.a\n",
        "house/high/__init__.py": "",
        "house/high/top.py": "import house.low.a as a\nfrom house import low\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "house"


def test_imports_of_every_kind_are_read(house):
    found = {(one.importer, one.imported, one.deferred, one.typing) for one in read_imports(house)}
    assert found == {
        ("house.low", "house.high", False, False),
        ("house.low.a", "house.high.top", False, True),
        ("house.low.a", "house.low.b", False, False),
        ("house.low.b", "house.low.a", True, False),
        ("house.high.top", "house.low.a", False, False),
        ("house.high.top", "house.low", False, False),
    }


def test_what_is_against_the_order_and_what_is_a_circle_is_found(house):
    imports = read_imports(house)
    assert [str(one) for one in against_order(imports, ("low", "high"))] == [
        "house.low:1 imports house.high",
        "house.low.a:3 imports house.high.top",
    ]
    assert [str(one) for one in against_order(imports, ("high", "low"))] == [
        "house.high.top:1 imports house.low.a",
        "house.high.top:2 imports house.low",
    ]
    assert circles(package_graph(imports)) == [["high", "low"]]
    loaded = [one for one in imports if not one.deferred and not one.typing]
    assert circles(module_graph(loaded)) == []
    assert circles(module_graph(imports)) == [["house.high.top", "house.low.a", "house.low.b"]]
