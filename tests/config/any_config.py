"""Any valid configuration, drawn: every section, every kind, every relation kept."""

from hypothesis import strategies as st
from msgspec import UNSET

from admf_fast.config import (
    AccountSpec,
    ActionsSpec,
    AllInSizing,
    BreakEvenSpec,
    Config,
    CostsSpec,
    DistanceSpec,
    EntrySpec,
    ExecutionSpec,
    ExitsSpec,
    FeatureSpec,
    FeedSpec,
    FixedSizing,
    InstrumentSpec,
    KellySizing,
    KernelSizing,
    MarketSpec,
    MetricsSpec,
    OffsetSpec,
    OwnCostsSpec,
    PercentSizing,
    RiskSizing,
    RiskSpec,
    StrategySpec,
    TargetSpec,
    TierSpec,
    TrailingSpec,
    VolatilitySizing,
)
from admf_fast.config.rules import TAKEN_NAMES
from admf_fast.data.spec import TIMEFRAMES, BarSpec

# Texts that YAML 1.1, YAML 1.2, TOML or a careless writer take for something else.
_WORDS = (
    "no yes on off y n null ~ true False 1 012 1_000 1e-4 1e5 .5 5. 12:30:00 0x1F 0o14 .nan .inf "
    "2024-01-31 = << - -- --- ... ? : # & * ! | > % @ ` ' [] {} a:b 1e999 é 日本 😀 \\"
)
_TRICKY = st.sampled_from(
    [*_WORDS.split(), '"', "", " ", " a", "a ", "a: b", "a #b", "- a", "9" * 40, "\xa0", "no.", "/"]
)
_ANY_TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Cn")), max_size=20
)
TEXTS = _TRICKY | _ANY_TEXT
IDENTIFIERS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True) | st.sampled_from(
    ["no", "true", "null", "y", "e1", "_"]
)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = FINITE.map(abs).filter(bool)
COSTS = FINITE.map(abs)
COSTS_BPS = st.floats(0, 5_000, exclude_max=True)
SHARES = st.floats(0, 100, exclude_min=True)
COUNTS = st.integers(1, 10**9)
RATES = st.floats(0, 1000, exclude_max=True)
PARAMS = st.dictionaries(
    IDENTIFIERS, st.booleans() | st.integers(-(2**53), 2**53) | FINITE, max_size=4
)
STEPS = st.floats(0.1, 5.0)


def bars(**own):
    return st.builds(
        BarSpec,
        path=TEXTS | st.lists(TEXTS, max_size=3),
        timeframe=st.sampled_from(("", *TIMEFRAMES)),
        stamp=st.sampled_from(("", "open", "close")),
        columns=st.dictionaries(TEXTS, TEXTS, max_size=3),
        timezone=st.sampled_from(("", "UTC")),
        calendar=st.sampled_from(("XNYS", "24/7")),
        **own,
    )


FEATURES = st.lists(
    st.builds(
        FeatureSpec,
        name=IDENTIFIERS.filter(lambda name: name not in TAKEN_NAMES),
        kernel=IDENTIFIERS,
        params=PARAMS,
        inputs=st.lists(IDENTIFIERS, max_size=2).map(tuple),
    ),
    max_size=3,
    unique_by=lambda feature: feature.name,
).map(tuple)
TIERS = st.lists(st.tuples(POSITIVE, COSTS_BPS), max_size=3, unique_by=lambda tier: tier[0]).map(
    lambda pairs: tuple(TierSpec(from_turnover=at, bps=bps) for at, bps in sorted(pairs))
)


def or_none(values):
    return st.just(UNSET) | values


def costs(cls, ticks, **own):
    """Costs of the run, or an instrument's own, whose keys may all be left out."""
    wrap = or_none if cls is OwnCostsSpec else lambda values: values
    counted = COSTS if ticks else st.just(0.0)
    return st.builds(
        cls,
        fee_bps=wrap(COSTS_BPS),
        maker_bps=or_none(COSTS_BPS),
        fee_fixed=wrap(COSTS),
        fee_minimum=wrap(COSTS),
        tiers=wrap(TIERS),
        slippage_bps=wrap(COSTS_BPS),
        slippage_ticks=wrap(counted | st.integers(0, 2**53) if ticks else counted),
        spread_bps=wrap(COSTS_BPS),
        impact_percent=wrap(st.floats(0, 100, exclude_max=True)),
        slippage_on=wrap(st.sampled_from(("every_fill", "no_brackets", "entries"))),
        **own,
    ) | st.builds(cls, fee_kernel=st.just("mine:fee"), spread_ticks=wrap(counted))


def markets(cls, ticks, **own):
    scales = st.floats(1e-12, 1e12)
    sizes = st.sampled_from((0.01, 0.25, 5.0, 1e-8)) | scales
    return st.builds(
        cls,
        lot_size=st.sampled_from((1, 0.01)),
        tick_size=sizes if ticks else st.just(UNSET),
        multiplier=scales,
        sector=st.just("tech"),
        borrow_percent=RATES,
        funding_percent=RATES,
        actions=or_none(st.builds(ActionsSpec, path=TEXTS.filter(bool))),
        **own,
    )


@st.composite
def traded(draw, ticks, plain_costs):
    """The sections that say what is traded."""
    own = costs(OwnCostsSpec, ticks).filter(lambda own: not own.fee_kernel)
    own = own if plain_costs else st.just(OwnCostsSpec())
    count = draw(st.integers(0, 3))
    if not count:
        fixed = st.sampled_from(({}, {"currency": "EUR", "fx_rate": 1.1}))
        market = {key: st.just(value) for key, value in draw(fixed).items()}
        return {
            "bars": draw(bars()),
            "instrument": draw(markets(MarketSpec, ticks, costs=own, **market)),
        }
    found = []
    for k, symbol in enumerate(("EURUSD", "SAP", "BMW")[:count]):
        market = {"currency": st.just("EUR"), "fx": st.just("EURUSD")} if k else {}
        listed = {"symbol": st.just(symbol), "bars": bars(symbol=st.sampled_from(("", symbol)))}
        found.append(draw(markets(InstrumentSpec, ticks, costs=own, **market, **listed)))
    return {"instruments": tuple(found)}


@st.composite
def distances(draw, cls, units, low=0.1, high=90.0, **own):
    unit = draw(st.sampled_from(units))
    return cls(**{unit: draw(st.floats(low, high))}, **own)


@st.composite
def entries(draw, units):
    order = draw(
        st.sampled_from(
            ("market", "limit", "stop", "stop_limit", "market_on_open", "market_on_close")
        )
    )
    unit = [draw(st.sampled_from(units))]
    waiting = ("GTC", "DAY", "GTD")
    tif = draw(st.sampled_from(waiting if "stop" in order else (*waiting, "IOC", "FOK")))
    return EntrySpec(
        order=order,
        limit=draw(distances(OffsetSpec, unit, -49.0, 49.0)) if "limit" in order else UNSET,
        stop=draw(distances(DistanceSpec, unit, 0.1, 49.0)) if "stop" in order else UNSET,
        time_in_force=tif,
        bars=draw(COUNTS) if tif == "GTD" else UNSET,
    )


@st.composite
def exits(draw, units):
    parts = draw(st.sampled_from(((), (100.0,), (50.0, 50.0), (33.3, 33.3, 33.4), (20, 20))))
    unit, at, targets = draw(st.sampled_from(units)), 30.0, []
    for part in parts:
        at += draw(STEPS)
        targets.append(TargetSpec(**{unit: at}, part=part))
    single = len(targets) == 1 and draw(st.booleans())
    trail = draw(or_none(distances(TrailingSpec, (unit,))))
    even = draw(or_none(distances(BreakEvenSpec, (unit,), 1.0, 29.0, offset=draw(STEPS) / 10.0)))
    if trail:
        trail = TrailingSpec(**trail.units, start=draw(STEPS), follow="close")
    kinds = st.sampled_from(("signal", "stop_loss", "max_bars"))
    return ExitsSpec(
        stop_loss=draw(or_none(distances(DistanceSpec, units))),
        take_profit=targets[0] if single else tuple(targets),
        trailing_stop=trail,
        break_even=even,
        max_bars=draw(or_none(COUNTS)),
        atr_period=draw(st.integers(1, 100_000)),
        memory=draw(st.sampled_from(("all", "none")) | st.lists(kinds, unique=True).map(tuple)),
    )


def sizings(stop_loss, counted):
    most = st.floats(50, 100)
    kinds = [
        st.just(AllInSizing()),
        st.builds(PercentSizing, percent=SHARES),
        st.builds(FixedSizing, quantity=st.integers(1, 2**40).map(float)),
        st.builds(KellySizing, trades=COUNTS, before_percent=st.floats(1, 50), most_percent=most),
        st.builds(KernelSizing, kernel=st.just("mine:size"), most_percent=most),
    ]
    if stop_loss:
        kinds.append(st.builds(RiskSizing, percent=SHARES, most_percent=most))
    if not counted:
        kinds.append(st.builds(VolatilitySizing, percent=SHARES, bars=st.integers(2, 100_000)))
    return st.one_of(kinds)


RISKS = st.builds(
    RiskSpec,
    max_position_percent=or_none(st.floats(1, 10)),
    max_position=or_none(st.floats(1, 1e300)),
    max_gross_percent=or_none(st.floats(30, 1000)),
    max_net_percent=or_none(st.floats(1, 30)),
    max_sector_percent=or_none(st.floats(10, 30)),
    max_daily_loss_percent=or_none(st.floats(1, 10)),
    max_drawdown_percent=or_none(st.floats(10, 100)),
    max_orders_per_day=or_none(COUNTS),
    max_trades_per_day=or_none(COUNTS),
    on_halt=st.sampled_from(("flatten", "keep")),
)
ACCOUNTS = st.builds(
    AccountSpec,
    cash=POSITIVE,
    leverage=st.sampled_from((1.0, 2.0)),
    maintenance_percent=st.sampled_from((0.0, 25.0)),
    interest_percent=RATES,
)
FEEDS = st.builds(
    FeedSpec,
    gaps=st.sampled_from(("hold", "mark", "refuse")),
    wait_bars=st.integers(0, 10_000),
    wait_s=st.floats(0, 86_400, exclude_min=True),
    implausible=st.sampled_from(("hold", "drop", "keep", "refuse")),
    move_percent=st.floats(0, 1e6),
    warmup=st.sampled_from(("none", "all", "ready")),
    warmup_path=TEXTS,
)


@st.composite
def configs(draw):
    """Any valid configuration, but for exits at a session's end."""
    ticks = draw(st.booleans())
    units = ("percent", "amount", "atr", "ticks") if ticks else ("percent", "amount", "atr")
    left, periods = draw(exits(units)), draw(st.just("counted") | POSITIVE)
    found = draw(costs(CostsSpec, ticks))
    fill = draw(st.sampled_from(("cross", "touch")))
    crossing = st.integers(1, 10**6) if ticks and fill == "cross" else st.just(1)
    return Config(
        **draw(traded(ticks, not found.fee_kernel and not found.spread_ticks)),
        name=draw(NAMES),
        strategy=draw(st.builds(StrategySpec, kernel=IDENTIFIERS, params=PARAMS)),
        features=draw(FEATURES),
        account=draw(ACCOUNTS),
        entry=draw(entries(units)),
        exits=left,
        sizing=draw(sizings(left.stop_loss, periods == "counted")),
        risk=draw(RISKS),
        execution=ExecutionSpec(
            fill=draw(st.sampled_from(("next_open", "same_close"))),
            limit_fill=fill,
            cross_ticks=draw(crossing),
            both_hit=draw(st.sampled_from(("stop_first", "target_first", "nearest_open"))),
            entry_bar=draw(st.sampled_from(("pessimistic", "next_bar", "none"))),
            reversal=draw(st.sampled_from(("one_order", "two_orders"))),
            unaffordable=draw(st.sampled_from(("reduce", "reject"))),
            max_volume_percent=draw(or_none(SHARES)),
        ),
        costs=found,
        direction=draw(st.sampled_from(("long_short", "long_only", "short_only"))),
        metrics=MetricsSpec(
            periods_per_year=periods, risk_free=draw(st.floats(-1, 1e300, exclude_min=True))
        ),
        feed=draw(FEEDS),
    )


CONFIGS = configs()
