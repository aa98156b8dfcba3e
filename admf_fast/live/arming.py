"""What a run needs before an order of it may reach a venue."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from admf_fast.config import Config, LiveSpec
from admf_fast.errors import ConfigError
from admf_fast.runners.setup import Setup
from admf_fast.runners.venue import with_venue
from admf_fast.venues.bridge import BridgeVenue
from admf_fast.venues.gateway import Gateway
from admf_fast.venues.limits import GatewayLimits

NS_PER_S = 1_000_000_000


def check_armed(config: Config, armed: bool) -> None:
    """Refuse a run that would send orders and is not told to, and the other way round.

    Raises ConfigError. A paper or shadow run never has anything that could send an order.
    """
    spec = config.live
    if spec.mode != "live":
        if armed:
            raise ConfigError(
                f"{config.where('live', 'mode')}: live.mode: expected live with --armed, found "
                f"{spec.mode}; leave --armed out, no order of it reaches a venue"
            )
        return
    for key in ("venue", "account"):
        if not getattr(spec, key):
            raise ConfigError(
                f"{config.where('live', key)}: live.{key}: expected a value with mode live, found "
                "none; nothing was started"
            )
    if not armed:
        raise ConfigError(
            f"{config.where('live', 'mode')}: live.mode: live sends orders to account "
            f"{spec.account} at {spec.venue}: start it with --armed, or set mode to paper"
        )


def with_mode(setup: Setup) -> Setup:
    """Return the set-up in which the engine or a venue fills, as the mode says."""
    return with_venue(setup) if setup.config.live.mode == "live" else setup


@contextmanager
def gateway_of(
    setup: Setup, timeframe_ns: int, hurried: Callable[[], bool] = lambda: False
) -> Iterator[Gateway | None]:
    """Yield the gateway of a run of mode live, its venue connected to; None for another one.

    Once `hurried` is true, no call waits for the venue for long.
    """
    spec = setup.config.live
    if spec.mode != "live":
        yield None
        return
    limits = limits_of(spec, timeframe_ns)
    with closing(BridgeVenue(spec.venue, hurried=hurried)) as venue:
        yield Gateway(venue, limits, account=spec.account, lot_value=setup.terms.n.lot_value)


def limits_of(spec: LiveSpec, timeframe_ns: int) -> GatewayLimits:
    """Return the limits of a configuration as a gateway takes them."""
    given = spec.limits
    return GatewayLimits(
        orders_per_minute=given.orders_per_minute,
        notional_per_order=given.order_value,
        position_lots=given.position_lots,
        day_loss=given.day_loss,
        on_day_loss=given.on_day_loss,
        price_band=given.price_percent / 100.0,
        rejects_in_row=given.rejects_in_row,
        intent_age_ns=spec.max_intent_age_bars * timeframe_ns,
        send_rate=given.messages_per_second,
        answer_ns=round(given.answer_s * NS_PER_S),
        grace_ns=round(given.grace_s * NS_PER_S),
        reconcile_ns=round(given.reconcile_s * NS_PER_S),
    )
