"""Refused orders are told with the relation they broke, and its numbers."""

import pytest

from admf_fast.report.relations import Around, relation
from admf_kernels.execution.terms import Account, Instrument, Limits
from admf_kernels.execution.uses import make_terms

TERMS = make_terms(
    Account(leverage=2.0),
    Instrument(lot_size=10.0, lot_value=10.0),
    r=Limits(position=0.5, position_lots=50.0, day_orders=3.0, day_loss=0.02),
)
AROUND = Around(close=100.0, equity=10_000.0, held=2.0)


@pytest.mark.parametrize(
    ("reason", "lots", "limit", "stop", "told"),
    [
        ("wrong_side", -5, 0.0, 101.0, "sell stop 101.0 must lie below the close 100.0"),
        ("wrong_side", 5, 0.0, 99.0, "buy stop 99.0 must lie above the close 100.0"),
        ("wrong_side", 5, 98.0, 0.0, "buy at 98.0: its stop loss must lie below that, its take"),
        ("bad_price", 5, -1.0, 0.0, "limit -1.0, stop 0.0: prices must be finite"),
        ("zero_size", 0, 0.0, 0.0, "less than one lot of 10.0"),
        ("max_position", 60, 0.0, 0.0, "position of 62 lots must be at most 50"),
        ("max_position", 4, 0.0, 0.0, "worth 6000.0 at the close 100.0, must be at most 0.5 *"),
        ("max_leverage", 28, 0.0, 0.0, "2.0 * equity 10000.0 = 20000.0"),
        ("order_rate", 4, 0.0, 0.0, "at most 3 orders in a session"),
        ("daily_loss_halt", 4, 0.0, 0.0, "it lost more than 0.02 of the equity"),
    ],
)
def test_a_relation_has_its_numbers(
    reason: str, lots: int, limit: float, stop: float, told: str
) -> None:
    order = {"reason": reason, "lots": lots, "limit": limit, "stop": stop}
    assert told in relation(order, TERMS, AROUND)


def test_without_a_bar_the_close_is_not_a_number_in_the_text() -> None:
    order = {"reason": "wrong_side", "lots": -5, "limit": 0.0, "stop": 101.0}
    assert "nan" not in relation(order, TERMS)
