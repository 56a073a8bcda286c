"""A row of a study: what is kept of it, for whichever run comes next."""

from contextlib import closing

import pytest

from knm.judging import JudgementCache
from knm.options import RunOptions
from knm.problems import Selection, load_problems
from knm.study.rows import RowRunner


@pytest.mark.usefixtures("sandbox")
def test_another_row_of_the_same_settings_decodes_and_judges_nothing(
    embedded, tmp_path, monkeypatch
):
    monkeypatch.setenv("KNM_CACHE_DIR", str(tmp_path / "kept"))
    options = RunOptions(limit=2, max_new_tokens=200, device="cpu")
    problems = load_problems("embedded", Selection(limit=2))
    told: list[str] = []

    def kept():
        with closing(JudgementCache(tmp_path / "kept", told.append)) as cache:
            return cache.figures().count, cache.figures().newest

    first = RowRunner(lambda: embedded, told.append, 2).run(options, problems, tmp_path / "a.json")
    before = kept()
    assert before[0] == sum(result.program is not None for result in first.results) > 0
    again = RowRunner(lambda: pytest.fail("a model"), told.append, 1)
    second = again.run(options, problems, tmp_path / "b.json")
    assert [each.verdict for each in second.results] == [each.verdict for each in first.results]
    assert kept() == before  # what is judged again is kept again, with a later time
    assert told == []
