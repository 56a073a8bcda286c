import random

from knm.embedded.grammar import draw_task, draw_test, render_statement


def statements(count):
    rng = random.Random(4)
    for _ in range(count):
        task = draw_task(rng)
        sample = draw_test(task, rng)
        yield task, sample, render_statement(task, rng, sample)


def test_no_placeholder_survives():
    assert not any("$" in text for _, _, text in statements(300))


def test_about_half_show_the_sample_and_some_the_whole_form_of_a_contest():
    drawn = list(statements(400))
    samples = sum("Sample Input" in text for _, _, text in drawn)
    sections = sum("Constraints" in text for _, _, text in drawn)
    assert 140 < samples < 260
    assert 70 < sections < 170


def test_a_shown_sample_is_the_given_one():
    for _, (given, expected), text in statements(200):
        if "Sample Input" in text:
            assert text.endswith(f"Sample Input\n{given}Sample Output\n{expected}".rstrip("\n"))


def test_each_operation_is_described():
    for task, _, text in statements(200):
        lowered = text.lower()
        for operation in task.operations:
            starts = [phrase.partition("$")[0].strip().lower() for phrase in operation.phrases]
            assert any(start in lowered for start in starts)
