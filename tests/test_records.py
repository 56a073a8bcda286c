from knm.records import Neighbour, TokenChange


def tried(record: str, outcome: int | None, crash: int | None = 0, token: str = "b") -> Neighbour:
    return Neighbour(token, 0.1, record, 3, "a", outcome, crash)


def test_trials_are_told_by_problems() -> None:
    trials = (
        tried("p", 1, -1),
        tried("p", 1),
        tried("q", -1, 1),
        tried("r", 0),
        tried("s", 1),
        tried("t", 1, token="c"),
    )
    told = str(TokenChange(0, None, "a", "b", trials).tally)
    assert told == "gained 2 of 4 problems here, lost 1; 1 crashes mended, 1 made"
    assert str(TokenChange(0, None, "a", "b", trials[1:2]).tally) == (
        "gained 1 of 1 problems here, lost 0"
    )
    assert TokenChange(0, None, "a", "b", (tried("p", None, None),)).tally is None
    assert [trial.came_of_it for trial in (*trials[:4], tried("p", None, None))] == [
        "gained, mended a crash",
        "gained",
        "lost, made a crash",
        "no change",
        None,
    ]
