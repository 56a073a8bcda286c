import dataclasses

from knm.corpora import CorpusRecord, drop_foreign

LUA = CorpusRecord("a", "Print n.", 'local n = 1 -- x += 1\nprint("!=", n)', "lua", "chat")


def test_programs_with_foreign_syntax_are_taken_out_and_told_by_rule():
    mixed = dataclasses.replace(LUA, id="b", program="local n = 7\nif n != 3 then\n  n += 1\nend")
    halved = dataclasses.replace(LUA, id="c", program="print(7 // 2 != 3)")
    purged = drop_foreign([LUA, mixed, halved])
    assert purged.kept == (LUA,)
    assert purged.rules == {"unequal": 2, "augmented assignment": 1, "floor division": 1}
    assert str(purged.removed[0]) == "b:2: unequal, augmented assignment: if n != 3 then"


def test_what_is_foreign_is_the_languages_own_matter():
    assert drop_foreign([dataclasses.replace(LUA, program="print(7 // 2)", language="lua5.4")]).kept
    assert drop_foreign([dataclasses.replace(LUA, program="x += 1", language="python")]).kept
    assert drop_foreign([dataclasses.replace(LUA, program="x += 1", language="unheard-of")]).kept
