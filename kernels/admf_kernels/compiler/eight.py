"""The compiled forms of `admf_kernels.codegen.eight`: vectors of LLVM."""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from admf_kernels.codegen import eight
from admf_kernels.execution import metrics

WIDTH = eight.WIDTH
DOUBLE, INT32, INT64 = ir.DoubleType(), ir.IntType(32), ir.IntType(64)
VECTOR = ir.VectorType(DOUBLE, WIDTH)
TRUTHS = ir.VectorType(ir.IntType(1), WIDTH)


class EightType(types.Type):
    """Eight float64."""

    def __init__(self) -> None:
        super().__init__(name="Eight")


class MaskType(types.Type):
    """Eight truths."""

    def __init__(self) -> None:
        super().__init__(name="EightTruths")


EIGHT, MASK = EightType(), MaskType()
FLOATS = types.CPointer(types.float64)


@register_model(EightType)
class _EightModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)


@register_model(MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, TRUTHS)


def _constant(places: list[int]) -> Any:
    return ir.Constant(ir.VectorType(INT32, WIDTH), places)


def _splat(builder: Any, value: Any) -> Any:
    """Return a value as a vector; a vector as it is."""
    if value.type == VECTOR:
        return value
    one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, INT32(0))
    return builder.shuffle_vector(one, ir.Constant(VECTOR, ir.Undefined), _constant([0] * WIDTH))


def _is_eight(*kinds: Any) -> bool:
    """Return whether these are numbers, at least one of them eight."""
    whole = all(k == EIGHT or isinstance(k, types.Float) for k in kinds)
    return whole and any(k == EIGHT for k in kinds)


def _binary(emit_one: Any, result: Any) -> Any:
    """Return the intrinsic of an operation on two numbers, of which one or both are eight."""

    @intrinsic
    def operation(context: Any, a: Any, b: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return emit_one(builder, _splat(builder, args[0]), _splat(builder, args[1]))

        return result(a, b), emit

    return operation


def _compare(sign: str) -> Any:
    ordered = sign != "!="  # NaN differs from everything

    def emit(builder: Any, a: Any, b: Any) -> Any:
        return (builder.fcmp_ordered if ordered else builder.fcmp_unordered)(sign, a, b)

    return emit


ARITHMETIC = {
    operator.add: lambda builder, a, b: builder.fadd(a, b),
    operator.sub: lambda builder, a, b: builder.fsub(a, b),
    operator.mul: lambda builder, a, b: builder.fmul(a, b),
    operator.truediv: lambda builder, a, b: builder.fdiv(a, b),
}
COMPARISONS = {
    operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=", operator.eq: "==",
    operator.ne: "!=",
}  # fmt: skip
LOGIC = {
    operator.and_: lambda builder, a, b: builder.and_(a, b),
    operator.or_: lambda builder, a, b: builder.or_(a, b),
}


def _on_eight(operation: Any) -> Any:
    return lambda a, b: (lambda a, b: operation(a, b)) if _is_eight(a, b) else None


def _on_masks(emit_one: Any) -> Any:
    @intrinsic
    def operation(context: Any, a: Any, b: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return emit_one(builder, *args)

        return MASK(MASK, MASK), emit

    return lambda a, b: (lambda a, b: operation(a, b)) if a == MASK and b == MASK else None


@intrinsic
def _not(context: Any, mask: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.not_(args[0])

    return MASK(MASK), emit


@intrinsic
def _abs(context: Any, x: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(VECTOR, [VECTOR])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.fabs.v8f64")
        return builder.call(function, args)

    return EIGHT(EIGHT), emit


@intrinsic
def select_eight(context: Any, mask: Any, a: Any, b: Any) -> Any:
    """Return `a` where the mask holds, else `b`; one truth chooses for all eight."""
    kind = MASK if mask == MASK else types.boolean

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        mask, a, b = args
        return builder.select(mask, _splat(builder, a), _splat(builder, b))

    return EIGHT(kind, a, b), emit


@intrinsic
def _load(context: Any, floats: Any, row: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.bitcast(builder.gep(args[0], [args[1]]), VECTOR.as_pointer())
        return builder.load(at, align=8)

    return EIGHT(FLOATS, types.int64), emit


@intrinsic
def _store(context: Any, floats: Any, row: Any, values: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.bitcast(builder.gep(args[0], [args[1]]), VECTOR.as_pointer())
        builder.store(args[2], at, align=8)
        return INT64(0)

    return types.int64(FLOATS, types.int64, EIGHT), emit


@intrinsic
def _eight_of(context: Any, value: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _splat(builder, args[0])

    return EIGHT(types.float64), emit


@intrinsic
def _shifted(context: Any, values: Any, first: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        places = [2 * WIDTH - 1, *range(WIDTH - 1)]
        return builder.shuffle_vector(args[0], _splat(builder, args[1]), _constant(places))

    return EIGHT(EIGHT, EIGHT if first == EIGHT else types.float64), emit


@intrinsic
def _element(context: Any, values: Any, place: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.extract_element(args[0], args[1])

    return types.float64(EIGHT, types.int64), emit


def _better(builder: Any, sign: str, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(sign, b, a), b, a)


@intrinsic
def _highest_so_far(context: Any, values: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = args[0]
        for step in (1, 2, 4):
            # The first places stay beside themselves.
            places = [k - step if k >= step else k for k in range(WIDTH)]
            moved = builder.shuffle_vector(found, found, _constant(places))
            found = _better(builder, ">", found, moved)
        return found

    return EIGHT(EIGHT), emit


def _best(sign: str) -> Any:
    """Return the intrinsic of the highest or lowest of eight."""

    @intrinsic
    def best(context: Any, values: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            found = args[0]
            for step in (4, 2, 1):
                places = [k ^ step for k in range(WIDTH)]
                moved = builder.shuffle_vector(found, found, _constant(places))
                found = _better(builder, sign, found, moved)
            return builder.extract_element(found, INT32(0))

        return types.float64(EIGHT), emit

    return best


_highest_of, _lowest_of = _best(">"), _best("<")


@intrinsic
def _mask_of(context: Any, bits: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(builder.trunc(args[0], ir.IntType(WIDTH)), TRUTHS)

    return MASK(types.int64), emit


@intrinsic
def _bits_in(context: Any, mask: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.zext(builder.bitcast(args[0], ir.IntType(WIDTH)), INT64)

    return types.int64(MASK), emit


@intrinsic
def _lowest_bit(context: Any, bits: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), emit


@intrinsic
def _rarely(context: Any, condition: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bit = ir.IntType(1)
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(bit, [bit, bit]), "llvm.expect.i1"
        )
        return builder.call(function, [args[0], ir.Constant(bit, 0)])

    return types.boolean(types.boolean), emit


@intrinsic
def _add_to_part(context: Any, floats: Any, first: Any, part: Any, value: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        floats, first, part, value = args
        at = builder.bitcast(builder.gep(floats, [first]), VECTOR.as_pointer())
        nothing = ir.Constant(VECTOR, [0.0] * WIDTH)
        added = builder.insert_element(nothing, value, part)
        builder.store(builder.fadd(builder.load(at, align=8), added), at, align=8)
        return INT64(0)

    return types.int64(FLOATS, types.int64, types.int64, types.float64), emit


FORMS: tuple[tuple[Any, Any], ...] = (
    *((o, _on_eight(_binary(emit, EIGHT))) for o, emit in ARITHMETIC.items()),
    *((o, _on_eight(_binary(_compare(sign), MASK))) for o, sign in COMPARISONS.items()),
    *((o, _on_masks(emit)) for o, emit in LOGIC.items()),
    (operator.invert, lambda mask: (lambda mask: _not(mask)) if mask == MASK else None),
    (abs, lambda x: (lambda x: _abs(x)) if x == EIGHT else None),
    (eight.load_eight, lambda floats, row: lambda floats, row: _load(floats, row)),
    (
        eight.store_eight,
        lambda floats, row, values: lambda floats, row, values: _store(floats, row, values),
    ),
    (eight.eight_of, lambda value: lambda value: _eight_of(value)),
    (eight.shifted, lambda values, first: lambda values, first: _shifted(values, first)),
    (eight.element, lambda values, place: lambda values, place: _element(values, place)),
    (eight.highest_so_far, lambda values: lambda values: _highest_so_far(values)),
    (eight.highest_of, lambda values: lambda values: _highest_of(values)),
    (eight.lowest_of, lambda values: lambda values: _lowest_of(values)),
    (eight.mask_of, lambda bits: lambda bits: _mask_of(bits)),
    (eight.bits_in, lambda mask: lambda mask: _bits_in(mask)),
    (eight.lowest_bit, lambda bits: lambda bits: _lowest_bit(bits)),
    (eight.rarely, lambda condition: lambda condition: _rarely(condition)),
    (
        metrics.add_to_part,
        lambda sums, first, part, value: (
            lambda sums, first, part, value: _add_to_part(sums, first, part, value)
        ),
    ),
)
