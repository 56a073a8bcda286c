"""The rungs of the trust ladder: what each row of an audit runs, and what it is compared with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from knm.errors import UserError, named

BASELINE: Final = "baseline"
FINETUNED: Final = "finetuned"


class Role(StrEnum):
    """What a row is there for."""

    REFERENCE = "reference"  # what others are compared with
    IDENTITY = "identity"  # must be the same to the letter
    PLUMBING = "plumbing"  # must help a lot
    METHOD = "method"  # what is being asked about
    HARMLESS = "harmless"  # knows nothing of use, must do no harm
    RIVAL = "rival"  # other ways to use the same corpus


@dataclass(frozen=True)
class Row:
    """One configuration.

    `store` is a name in `knm.audit.stores.STORES` (None: no retrieval), `programs` the
    number of corpus records that it holds at most, `preset` and `lmbda` what is used instead of
    the audit's, `language` that of prompts and judge, `examples` the number of solved examples in
    the prompt, `finetuned` whether the fine-tuned copy decodes.
    """

    name: str
    title: str
    role: Role
    store: str | None = None
    preset: str | None = None
    lmbda: float | None = None
    language: str = "lua"
    examples: int = 0
    finetuned: bool = False
    programs: int | None = None
    against: str = BASELINE


IN_DOMAIN: Final = Row("in-domain", "store of the corpus", Role.METHOD, store="in-domain")

ROWS: Final = {
    row.name: row
    for row in (
        Row(BASELINE, "LM alone", Role.REFERENCE),
        Row("baseline-again", "LM alone, again", Role.IDENTITY),
        Row("weight-0", "store, weight 0", Role.IDENTITY, store="in-domain", lmbda=0.0),
        IN_DOMAIN,
        Row("condensed", "a quarter of its keys", Role.METHOD, store="condensed"),
        *(
            Row(f"mistakes-{preset}", f"mistakes only, {preset}", Role.METHOD, "mistakes", preset)
            for preset in ("v1", "v2", "v3")
        ),
        Row("oracle", "oracle: the references", Role.PLUMBING, store="oracle"),
        Row("oracle-v1", "oracle, v1", Role.METHOD, store="oracle", preset="v1"),
        Row("off-domain", "off-domain store", Role.HARMLESS, store="off-domain"),
        Row("shuffled", "shuffled values", Role.HARMLESS, store="shuffled"),
        Row("random", "random keys", Role.HARMLESS, store="random"),
        Row("python", "Python, LM alone", Role.REFERENCE, language="python", against="python"),
        Row(
            "python-store",
            "Python under the Lua store",
            Role.HARMLESS,
            store="in-domain",
            language="python",
            against="python",
        ),
        Row(FINETUNED, "fine-tuned copy", Role.RIVAL, finetuned=True),
        Row("bm25-1", "best example in the prompt", Role.RIVAL, examples=1),
        Row("bm25-3", "best 3 examples in the prompt", Role.RIVAL, examples=3),
    )
}


def choose_rows(names: Iterable[str]) -> list[Row]:
    """The rows of these names and those that they are compared with, in the order of the ladder.

    Raises:
        UserError: there is no such row.
    """
    wanted = set(names)
    unknown = sorted(wanted - ROWS.keys())
    if unknown:
        raise UserError(
            f"{named('rows')} {','.join(unknown)}: no such row; choose from {', '.join(ROWS)}"
        )
    wanted |= {ROWS[name].against for name in wanted} | {BASELINE}
    return [row for row in ROWS.values() if row.name in wanted]


def curve_rows(counts: Sequence[int]) -> list[Row]:
    """The in-domain row with stores of so many programs."""
    return [
        replace(
            IN_DOMAIN,
            name=f"curve-{count}",
            title=f"store of {count:,} programs",
            programs=count,
        )
        for count in sorted(set(counts))
    ]
