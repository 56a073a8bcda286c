"""The final report as files."""

import re
import sys

import pytest

from knm.errors import UserError
from knm.report.study import StudyFormat, check_study, compose_study, write_study
from knm.report.study.blocks import Block, Commands, Files, Heading, Paragraph, Table
from tests.report.page.examples import example_bench

STRANGE = "a | b *c* <d> & „e“ → ✓ \u202e"
BLOCKS: list[Block] = [
    Heading("Title", 1),
    Paragraph(STRANGE),
    Table([("Head", "Other"), (STRANGE, "x" * 300)]),
    Commands(["pytest bench --where 'a<b'"]),
    Files([("a | b", "rows/k=4 (1).json")]),
]


def test_markdown_has_its_pictures_beside_it(tmp_path):
    blocks = compose_study(example_bench(tmp_path))
    path = tmp_path / "out" / "study.md"
    written = write_study(blocks, path, StudyFormat.MD)
    linked = re.findall(r"\]\((study-charts/[^)]+)\)", path.read_text())
    assert len(linked) > 3
    assert written == [path, *(path.parent / name for name in linked)]
    assert all(each.read_text().lstrip().startswith("<svg") for each in written[1:])


def test_strange_text_is_text_in_both(tmp_path):
    write_study(BLOCKS, tmp_path / "s.md", StudyFormat.MD)
    told = (tmp_path / "s.md").read_text()
    assert r"a \| b \*c\* \<d\>" in told
    assert "    pytest bench --where 'a<b'" in told
    assert r"- a \| b: [rows/k=4 (1).json](rows/k%3D4%20%281%29.json)" in told
    write_study(BLOCKS, tmp_path / "s.pdf", StudyFormat.PDF)
    assert (tmp_path / "s.pdf").read_bytes().startswith(b"%PDF-")


def test_a_pdf_is_whole_and_the_same_each_time(tmp_path):
    blocks = compose_study(example_bench(tmp_path))
    for name in ("a.pdf", "b.pdf"):
        assert write_study(blocks, tmp_path / name, StudyFormat.PDF) == [tmp_path / name]
    content = (tmp_path / "a.pdf").read_bytes()
    assert content == (tmp_path / "b.pdf").read_bytes()
    assert content.rstrip().endswith(b"%%EOF")
    assert content.count(b"/Subtype /Image") >= 3


def test_without_the_library_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "reportlab", None)
    monkeypatch.setitem(sys.modules, "reportlab.platypus", None)
    with pytest.raises(UserError, match=r"format pdf: .* pip install 'knm\[pdf\]', or take format"):
        check_study(StudyFormat.PDF)
    check_study(StudyFormat.MD)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_study(BLOCKS, tmp_path / "file" / "s.md", StudyFormat.MD)
