import pytest

from knm.audit import Audit
from knm.audit.results import make_lines
from knm.audit.seeds import audit_models, compare_audits, render_agreement
from knm.errors import UserError
from tests.audit.made_up import row_result


def audit(**rows):
    lines = make_lines([row_result(name, passed) for name, passed in rows.items()])
    return Audit({}, tuple(lines), (), (), {})


FEW, MANY = "1" * 10 + "0" * 10, "1" * 20


def test_models_that_rank_alike_agree():
    agreement = compare_audits(
        {
            "a": audit(baseline="0" * 20, in_domain=FEW, finetuned=MANY, weight_0="0" * 20),
            "b": audit(baseline="0" * 20, in_domain=FEW, finetuned=MANY, python="1" * 20),
        }
    )
    assert agreement.ranking == ("finetuned", "in-domain")
    assert agreement.tau == {"a, b": pytest.approx(1.0)}
    assert agreement.gains["in-domain"] == {"a": 0.5, "b": 0.5}
    assert agreement.agree
    assert "| finetuned | +100.0 | +100.0 | +100.0 |" in render_agreement(agreement)


def test_a_reversal_beyond_chance_is_named():
    agreement = compare_audits(
        {
            "a": audit(baseline="0" * 20, in_domain=FEW, finetuned=MANY),
            "b": audit(baseline="0" * 20, in_domain=MANY, finetuned=FEW),
        }
    )
    assert agreement.tau == {"a, b": pytest.approx(-1.0)}
    assert not agreement.agree
    (reversal,) = agreement.reversals
    assert reversal.rows == ("in-domain", "finetuned")
    assert (reversal.first_better_in, reversal.second_better_in) == ("b", "a")
    assert "in-domain is better than finetuned in b" in render_agreement(agreement)


def test_a_difference_within_chance_is_no_reversal():
    agreement = compare_audits(
        {
            "a": audit(baseline="0000", in_domain="1000", finetuned="1100"),
            "b": audit(baseline="0000", in_domain="1100", finetuned="1000"),
        }
    )
    assert agreement.tau == {"a, b": pytest.approx(-1.0)}
    assert agreement.agree


def test_models_need_names_of_their_own(settings):
    with pytest.raises(UserError, match="the same last name"):
        audit_models(["a/model", "b/model"], settings, ["baseline"])
