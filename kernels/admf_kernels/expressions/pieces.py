"""The lines of each form; every function returns the name that holds the form's signal."""

from collections.abc import Sequence

from admf_kernels.expressions.builder import Builder
from admf_kernels.expressions.errors import ExpressionError, Place
from admf_kernels.expressions.forms import (
    Ensemble,
    Form,
    Kernel,
    Member,
    Regimes,
    Rules,
    Side,
    Signal,
)
from admf_kernels.expressions.names import Scope
from admf_kernels.expressions.writer import signs

FLAT = "0.0"


def signal_of(builder: Builder, form: Form, outer: Scope, prefix: str, place: Place) -> str:
    """Write a form and return the name of its signal."""
    own = {} if isinstance(form, Kernel) else form.params
    scope = outer.inside(form.variables, own, prefix, place)
    builder.declare(scope, own, place)
    match form:
        case Rules():
            return _rules(builder, form, scope, place)  # `when` is part of its rules
        case Signal():
            value = builder.number(form.signal, scope, (*place, "signal"))
            signal = builder.writer.assign(f"select({value} == {value}, {value}, 0.0)")
            builder.writer.checked.append(signal)
        case Kernel():
            signal = builder.kernel(form.kernel, form.params, prefix, place)
            builder.writer.checked.append(signal)
        case Ensemble():
            signal = _ensemble(builder, form, scope, prefix, place)
        case Regimes():
            signal = _regimes(builder, form, scope, prefix, place)
        case _:
            raise AssertionError(form)
    return _filtered(builder, form, signal, scope, place)


def _filtered(builder: Builder, form: Form, signal: str, scope: Scope, place: Place) -> str:
    """Let a signal enter only while `when` holds; it may leave at any time."""
    if not form.when:
        return signal
    writer = builder.writer
    entering = builder.condition(form.when, scope, (*place, "when"))
    field = writer.field("kept", "float")
    kept = writer.assign(f"select({entering}, {signal}, held_only({signal}, s.{field}))")
    writer.after[field] = kept
    return kept


def _rules(builder: Builder, form: Rules, scope: Scope, place: Place) -> str:
    writer = builder.writer
    if form.long is None and form.short is None:
        raise ExpressionError("expected long, short or both", place=place)
    field = writer.field("side", "float")
    held = f"s.{field}"
    when = [builder.condition(form.when, scope, (*place, "when"))] if form.when else []
    alone = form.long is None or form.short is None
    long, long_exit = _side(builder, form.long, scope, when, alone, (*place, "long"))
    short, short_exit = _side(builder, form.short, scope, when, alone, (*place, "short"))
    kept = held
    if long_exit:
        kept = writer.assign(f"select(({held} > 0.0) & {long_exit}, 0.0, {kept})")
    if short_exit:
        kept = writer.assign(f"select(({held} < 0.0) & {short_exit}, 0.0, {kept})")
    if long and short:
        long, short = (
            writer.assign(f"{one} & (not {other})") for one, other in ((long, short), (short, long))
        )
    if short:
        kept = writer.assign(f"select({short}, -1.0, {kept})")
    if long:
        kept = writer.assign(f"select({long}, 1.0, {kept})")
    writer.after[field] = kept
    return kept


def _side(
    builder: Builder,
    side: Side | None,
    scope: Scope,
    when: Sequence[str],
    alone: bool,
    place: Place,
) -> tuple[str, str]:
    """Return the names of "may enter" and "leaves"; empty where there is no such thing."""
    if side is None:
        return "", ""
    writer = builder.writer
    if not side.enter:
        raise ExpressionError("expected a condition, found none", place=(*place, "enter"))
    enter = builder.condition(side.enter, scope, (*place, "enter"))
    leaves = ""
    if side.exit:
        leaves = builder.condition(side.exit, scope, (*place, "exit"))
    elif alone:
        leaves = writer.assign(f"not {enter}")
    own = [builder.condition(side.when, scope, (*place, "when"))] if side.when else []
    stays = [writer.assign(f"not {leaves}")] if side.exit else []
    return writer.both(enter, *when, *own, *stays), leaves


def _ensemble(builder: Builder, form: Ensemble, scope: Scope, prefix: str, place: Place) -> str:
    place = (*place, "ensemble")
    _check_ensemble(form, place)
    writer = builder.writer
    names = [member.name or f"m{k + 1}" for k, member in enumerate(form.members)]
    signals = []
    for k, (member, name) in enumerate(zip(form.members, names, strict=True)):
        where = (*place, "members", k)
        if name in names[:k]:
            raise ExpressionError(f"two members are named {name!r}", place=(*where, "name"))
        signals.append(signal_of(builder, member.form, scope, f"{prefix}{name}_", where))
    if form.vote == "weighted":
        return _weighted(builder, form, signals)
    enough = len(signals) / 2 if form.vote == "majority" else len(signals) - 0.5
    long, short = (writer.assign(signs(signals, side)) for side in "><")
    votes = f"select({short} > {enough!r}, -1.0, 0.0)"
    return writer.assign(f"select({long} > {enough!r}, 1.0, {votes})")


def _weighted(builder: Builder, form: Ensemble, signals: Sequence[str]) -> str:
    """The mean by weight; sum and sum of weights add up in the order of the members."""
    writer = builder.writer
    weights = [float(member.weight) for member in form.members]
    total = 0.0
    for weight in weights:
        total += weight
    terms = [f"{weight!r} * {signal}" for weight, signal in zip(weights, signals, strict=True)]
    mean = writer.assign(f"(0.0 + {' + '.join(terms)}) / {total!r}")
    wanted = mean if form.scale else writer.assign(f"side_of({mean})")
    return writer.assign(f"select(abs({mean}) >= {float(form.threshold)!r}, {wanted}, 0.0)")


def _check_ensemble(form: Ensemble, place: Place) -> None:
    if not form.members:
        raise ExpressionError("expected one member or more, found none", place=(*place, "members"))
    if not 0.0 < form.threshold <= 1.0:
        text = f"expected a number > 0 and <= 1; found {form.threshold!r}"
        raise ExpressionError(text, place=(*place, "threshold"))
    plain = Ensemble(members=(), vote=form.vote)
    if form.vote == "weighted":
        for k, member in enumerate(form.members):
            _check_weight(member, (*place, "members", k, "weight"))
        return
    weighed = [k for k, member in enumerate(form.members) if member.weight != 1.0]
    if weighed or form.threshold != plain.threshold or form.scale:
        key: Place = ("members", weighed[0], "weight") if weighed else ()
        key = key or (("scale",) if form.scale else ("threshold",))
        raise ExpressionError(
            f"vote: {form.vote} counts members alone; leave it out or write vote: weighted",
            place=(*place, *key),
        )


def _check_weight(member: Member, place: Place) -> None:
    if not 0.0 < member.weight <= 1e9:
        text = f"expected a number > 0 and <= 1000000000; found {member.weight!r}"
        raise ExpressionError(text, place=place)


def _regimes(builder: Builder, form: Regimes, scope: Scope, prefix: str, place: Place) -> str:
    place = (*place, "regimes")
    writer = builder.writer
    names = _regime_names(form, place)
    wanted = {name: k + 1 for k, name in enumerate(names)}
    found = str(wanted[form.otherwise])
    for k in range(len(form.states) - 1, -1, -1):
        state = form.states[k]
        holds = builder.condition(state.when, scope, (*place, "states", k, "when"))
        found = writer.assign(f"select({holds}, {wanted[state.name]}, {found})", "n")
    regime = _confirmed(builder, found, form.confirm_bars)
    signal = FLAT
    for name in names:
        used = form.use.get(name)
        if used is not None:
            where = (*place, "use", name)
            own = signal_of(builder, used, scope, f"{prefix}{name}_", where)
            signal = writer.assign(f"select({regime} == {wanted[name]}, {own}, {signal})")
    return signal


def _confirmed(builder: Builder, found: str, confirm_bars: int) -> str:
    """Return the regime in force: the last that was found on enough bars in a row."""
    if confirm_bars == 1:
        return found
    writer = builder.writer
    regime, last, count = (writer.field(stem, "int") for stem in ("regime", "found", "count"))
    run = writer.assign(f"select({found} == s.{last}, s.{count}, 0) + 1", "n")
    capped = writer.assign(f"select({run} > {confirm_bars}, {confirm_bars}, {run})", "n")
    ruling = writer.assign(f"select({capped} == {confirm_bars}, {found}, s.{regime})", "n")
    writer.after |= {regime: ruling, last: found, count: capped}
    return ruling


def _regime_names(form: Regimes, place: Place) -> list[str]:
    """Return the regimes in the order of the states, `otherwise` last."""
    names = [state.name for state in form.states]
    if not names:
        raise ExpressionError("expected one state or more, found none", place=(*place, "states"))
    for k, name in enumerate(names):
        if name in names[:k]:
            raise ExpressionError(f"two states are named {name!r}", place=(*place, "states", k))
    if form.confirm_bars < 1:
        text = f"expected 1 or more, found {form.confirm_bars}"
        raise ExpressionError(text, place=(*place, "confirm_bars"))
    known = [*names, *([] if form.otherwise in names else [form.otherwise])]
    for name in form.use:
        if name not in known:
            raise ExpressionError(
                f"no regime is named {name!r}; expected one of {', '.join(known)}",
                place=(*place, "use", name),
            )
    for name in names:
        if name not in form.use:
            raise ExpressionError(
                f"expected a strategy for the regime {name!r}, or flat", place=(*place, "use")
            )
    return known
