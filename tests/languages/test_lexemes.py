"""Programs cut into lexemes."""

from hypothesis import given
from hypothesis import strategies as st

from knm.languages.lexemes import split_lexemes

JAVA = '''@Override // a comment
public int f(String s) { /* one more */ return 0x1FL + "a \\" b" .length() - 'c'; }
String t = """
  text "of" lines""";
'''


def written(language, program):
    return [(program[one.start : one.end], one.type) for one in split_lexemes(language, program)]


def test_java_is_cut_without_comments_and_whitespace():
    found = written("java", JAVA)
    assert found[:6] == [
        ("@", "operator"),
        ("Override", "identifier"),
        ("public", "keyword"),
        ("int", "keyword"),
        ("f", "identifier"),
        ("(", "operator"),
    ]
    literals = [text for text, kind in found if kind == "literal"]
    assert literals == ["0x1FL", '"a \\" b"', "'c'", '"""\n  text "of" lines"""']
    assert not any("comment" in text or "more" in text for text, _ in found)


def test_characters_of_several_bytes_stand_at_their_own_places():
    assert written("java", "é = ü1; // ö\nb") == [
        ("é", "identifier"),
        ("=", "operator"),
        ("ü1", "identifier"),
        (";", "operator"),
        ("b", "identifier"),
    ]


@given(st.lists(st.sampled_from(["a1", "if", "==", "(", '"s"', "0.5", "é", "+"]), max_size=12))
def test_lexemes_are_in_order_and_leave_out_blanks_alone(parts):
    program = " ".join(parts)
    found = split_lexemes("java", program)
    assert "".join(program[one.start : one.end] for one in found) == program.replace(" ", "")
    assert [one.start for one in found] == sorted(one.start for one in found)
    for one in found:
        assert one.start < one.end
