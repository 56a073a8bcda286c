from dataclasses import replace

from knm.bench.published import PUBLISHED, compare_with_published, published_setting
from knm.options import RunOptions
from knm.problems import load_template

SCRIPT = RunOptions(prompt="ag-livecodebench-x", temperature=0.6, top_p=0.95, max_new_tokens=5000)


def test_a_run_says_which_published_setting_it_equals():
    assert published_setting(SCRIPT) == "Ag-LiveCodeBench-X script, its defaults"
    assert "set as published (Ag-LiveCodeBench-X script, its defaults)" in str(
        compare_with_published(SCRIPT)
    )
    assert published_setting(RunOptions()) is None
    assert compare_with_published(RunOptions()) is None


def test_what_differs_is_said_of_the_nearest():
    nearly = replace(SCRIPT, temperature=0.2, max_new_tokens=512)
    assert published_setting(nearly) is None
    told = compare_with_published(nearly)
    assert told is not None
    assert told.endswith("as recommended for Qwen 3): max_new_tokens 512, there 2048")
    assert published_setting(replace(SCRIPT, prompt_arg=["enable_thinking=false"])) is None


def test_every_published_setting_has_a_template():
    for each in PUBLISHED:
        assert load_template(each.prompt).system
