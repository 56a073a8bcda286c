import base64
import hashlib
import json
import random
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.report import load_report
from knm.report.page import data, join_runs
from knm.report.page.rendering import render_page
from knm.sandbox import Verdict
from tests.report.builders import document, of_samples, result, write_report
from tests.report.page.examples import (
    HOSTILE,
    KNN_PROGRAM,
    embedded_data,
    example_bench,
    sampled_report,
)

# Anything a report's JSON can hold, lone surrogates and the ends of elements included.
ANY_TEXT = st.one_of(
    st.text(max_size=20),
    st.text(alphabet=st.characters(categories=["Cs", "Cc"]), max_size=4),
    st.sampled_from(["</script>", "<!--", "<script", "]]>", HOSTILE, "{{ 7 * 7 }}", "__proto__"]),
)


class Elements(HTMLParser):
    """Counts the elements of a page and gathers what could reach out of it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "action", "data", "srcset", "poster"}:
                self.addresses.append(value or "")
            if name.startswith("on") or name == "style":
                self.handlers.append(name)


@pytest.fixture
def page(tmp_path: Path) -> str:
    return render_page(example_bench(tmp_path))


def test_the_page_reaches_for_nothing_outside_itself(page: str) -> None:
    elements = Elements(page)
    assert all(address.startswith("#") for address in elements.addresses)
    assert elements.handlers == []
    assert not {"link", "img", "iframe", "object", "base"} & set(elements.tags)


def test_the_policy_admits_the_pages_own_script_and_style_alone(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src &#39;none&#39;;")
    assert "unsafe" not in policy[1]
    for tag in ("script", "style"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.S)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy[1].replace("&#43;", "+")


def test_the_page_states_the_comparison(page: str) -> None:
    text = re.sub(r"<[^>]*>", "", page)
    assert "1 gained 1 lost exact McNemar p = 1" in text
    assert "Both runs pass as many of the 4 problems that both runs count." in text
    assert "1 problems are not compared" in text
    assert (
        "setting differs: configuration.knn" in text or "settings differ: configuration.knn" in text
    )
    assert "Not comparable" not in text


def test_unlike_runs_are_shown_with_a_warning(tmp_path: Path) -> None:
    a = write_report(tmp_path / "a.json", [result("p")])
    b = write_report(tmp_path / "b.json", [result("p")], configuration={"max_new_tokens": 9})
    page = render_page(join_runs([a, b]))
    assert "Not comparable." in page
    assert "must agree" in page


def test_a_single_run_has_no_comparison(tmp_path: Path) -> None:
    page = render_page(join_runs([write_report(tmp_path / "a.json", [result("p")])]))
    assert 'id="comparison"' not in page
    assert 'href="#comparison"' not in page


def test_the_data_hold_every_problem(page: str) -> None:
    index, details = embedded_data(page)
    assert [problem["id"] for problem in index["problems"]] == [
        "faulty_1",
        "gained_1",
        "lost_1",
        "never_1",
        "same_1",
    ]
    gained = {"class": None, "passed": 0, "samples": 1, "decides": 0, "seconds": 0.5}
    assert index["problems"][1]["outcomes"] == [
        gained | {"verdict": "wrong-output", "tests": [1, 4], "tokens": 20, "changes": None},
        gained | {"verdict": "accepted", "tests": [4, 4], "passed": 1, "tokens": 24, "changes": 2},
    ]
    position, lm_token, token, start, neighbours = details["changes"][1][1][0][0]
    assert (position, lm_token, token) == (7, " tonumber", " io")
    assert KNN_PROGRAM[start:].startswith(token)
    assert neighbours[0] == [" io", "1.25", 0, 12]
    assert details["records"] == ["train-1", "train-2"]


def test_the_completion_is_shown_where_there_is_no_program(page: str) -> None:
    _, details = embedded_data(page)
    assert details["programs"][3][1] == [HOSTILE]
    assert details["facts"][3][1][0]["extracted"] is False


def test_places_count_as_scripts_count(tmp_path: Path) -> None:
    program = "-- \U0001f600\nprint(1)"
    change = {"position": 5, "start": 5, "lm_token": "x", "token": "print", "neighbours": []}
    knn = {"steps": 9, "searched": 9, "argmax_changes": 1, "changes": [change]}
    entry = result("p", completion=program, program=program, completion_tokens=9, knn=knn)
    bench = join_runs([write_report(tmp_path / "a.json", [entry])])
    _, details = embedded_data(render_page(bench))
    assert details["changes"][0][0][0][0][3] == 6


@settings(deadline=None, max_examples=30)
@given(
    question_id=ANY_TEXT, program=ANY_TEXT, message=ANY_TEXT, error_class=ANY_TEXT, model=ANY_TEXT
)
def test_no_text_of_a_report_adds_an_element_or_is_lost(
    question_id: str, program: str, message: str, error_class: str, model: str
) -> None:
    page = _rendered(question_id, program, message, error_class, model)
    plain = _rendered("p", "print(1)", "boom", "index-nil" if error_class else "", "embedded")
    assert Elements(page).tags == Elements(plain).tags
    page.encode("utf-8")
    index, details = embedded_data(page)
    shown = [
        index["problems"][0]["id"],
        details["programs"][0][0][0],
        details["facts"][0][0][0]["message"],
    ]
    assert shown == json.loads(json.dumps([question_id, program, message]))


@cache
def _rendered(question_id: str, program: str, message: str, error_class: str, model: str) -> str:
    entry = result(
        question_id,
        Verdict.RUNTIME_ERROR,
        program=program,
        message=message,
        error_class=error_class,
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        # As pytest-json-report writes it: in ASCII, which holds lone surrogates too.
        path.write_text(json.dumps(document([entry], configuration={"model": model})))
        return render_page(join_runs([load_report(path)]))


def test_what_came_of_trials_stands_beside_a_change(tmp_path: Path) -> None:
    trial = {"token": "b", "distance": 0.1, "offset": 3, "outcome": 1, "crash": 0}
    neighbours = [{**trial, "record": f"p{number}"} for number in range(9)]
    change = {"position": 5, "start": 0, "lm_token": "a", "token": "b", "neighbours": neighbours}
    knn = {"steps": 9, "searched": 9, "argmax_changes": 1, "changes": [change]}
    entry = result("p", completion="b", program="b", completion_tokens=9, knn=knn)
    bench = join_runs([write_report(tmp_path / "a.json", [entry])])
    page = render_page(bench)
    (shown,) = embedded_data(page)[1]["changes"][0][0][0]
    assert len(shown[4]) == 4
    assert shown[5] == "gained 9 of 9 problems here, lost 0"
    assert "change.tally" in page


def test_every_sample_is_there_with_its_evidence(tmp_path: Path) -> None:
    told: dict[str, Any] = {"failing_input": "3\n", "expected": "4\n", "got": "5\n"}
    several = of_samples(
        result("p", Verdict.WRONG_OUTPUT, program="print(5)", **told),
        result("p", Verdict.WRONG_OUTPUT, program="print(6)", **{**told, "stderr": "hm"}),
        result("p"),
    )
    bench = join_runs([write_report(tmp_path / "a.json", [several])])
    index, details = embedded_data(render_page(bench))
    outcome = index["problems"][0]["outcomes"][0]
    assert (outcome["passed"], outcome["samples"], outcome["tokens"]) == (1, 3, 60)
    assert details["programs"] == [[["print(5)", "print(6)", "print(1)"]]]
    assert [facts["verdict"] for facts in details["facts"][0][0]][2] == "accepted"
    assert details["texts"] == ["3\n", "4\n", "5\n", "hm"]
    assert details["evidence"] == [[[[0, 1, 2, None], [0, 1, 2, 3], None]]]
    assert index["cut"] is None


def test_texts_are_cut_alike_until_a_page_is_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(0)
    texts = [draw.randbytes(1500).hex() for _ in range(40)]
    results = [
        of_samples(*(result(f"p{n}", program=text, got=text) for text in texts[n : n + 4]))
        for n in range(0, 40, 4)
    ]
    bench = join_runs([write_report(tmp_path / "a.json", results)])
    monkeypatch.setattr(data, "MOST_PACKED", 12_000)
    page = render_page(bench)
    index, details = embedded_data(page)
    assert len(base64.b64decode(index["details"])) <= 12_000
    (bound,) = {len(text) for _, of_runs in enumerate(details["programs"]) for text in of_runs[0]}
    assert bound == index["cut"]["program"] + len("… [2,000 more characters]")
    assert index["cut"]["changes"] == 0


def test_a_page_of_a_whole_bench_with_eight_samples_is_below_its_bound(tmp_path: Path) -> None:
    page = render_page(join_runs([sampled_report(tmp_path / "run.json")]))
    index, details = embedded_data(page)
    assert 2_000_000 < len(page.encode()) < 8_000_000
    assert [len(samples) for (samples,) in details["programs"]] == [8] * 499
    assert index["cut"] is None
