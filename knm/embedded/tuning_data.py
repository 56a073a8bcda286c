"""What settings must not be tuned on: the problems and the programs that they are judged by."""

from knm.corpora import CorpusRecord, load_corpus
from knm.embedded.grammar import bucket_of
from knm.embedded.splits import SPLIT_BUCKETS
from knm.errors import UserError, named
from knm.packaged import EMBEDDED_CORPUS, EMBEDDED_PROBLEMS
from knm.problems import ProblemSet, load_problems


def refuse_bench(problem_set: ProblemSet) -> None:
    """Refuse problems of the packaged bench, and grammar problems of its split.

    Raises:
        UserError: naming the first such problem.
    """
    bench = load_problems(EMBEDDED_PROBLEMS)
    ids = {problem.question_id for problem in bench}
    statements = {problem.question_content for problem in bench}
    for problem in problem_set:
        composition = problem.extras.get("composition")
        if (
            problem.question_id in ids
            or problem.question_content in statements
            or (isinstance(composition, str) and bucket_of(composition) in SPLIT_BUCKETS["bench"])
        ):
            raise UserError(
                f"{named('problems')}: {problem.question_id} of {problem_set.name} belongs to the "
                "bench: settings that are tuned on it would be judged by what they were chosen "
                "for; draw problems of the dev split with `knm problems generate --split dev --out "
                "FILE`"
            )


def refuse_test_split(records: tuple[CorpusRecord, ...]) -> None:
    """Refuse programs of the packaged corpus's test split.

    Raises:
        UserError: naming the first such record.
    """
    test = {(r.statement, r.program) for r in load_corpus(EMBEDDED_CORPUS / "test.jsonl")}
    for record in records:
        if (record.statement, record.program) in test:
            raise UserError(
                f"{named('corpus')}: {record.id} belongs to the packaged test split, which `knm "
                "eval` judges settings by: tune on dev.jsonl, the default, or on programs of your "
                "own"
            )
