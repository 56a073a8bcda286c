import pytest

from knm.errors import UserError
from knm.models import resolve_placement


def test_a_cpu_computes_in_float32_unless_told_otherwise():
    assert resolve_placement("cpu", None).dtype == "float32"


@pytest.mark.parametrize(
    ("device", "dtype", "message"),
    [("cpu", "int3", "dtype int3"), ("abacus", None, "device abacus")],
)
def test_bad_placements_name_the_option(device, dtype, message):
    with pytest.raises(UserError, match=message):
        resolve_placement(device, dtype)
