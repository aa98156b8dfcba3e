"""The compiled forms of `admf_kernels.numeric`, and the memory access of the drivers.

Importing this module imports Numba; it happens only when something must be compiled.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numba.np.numpy_support import from_dtype

from admf_kernels import numeric
from admf_kernels.codegen import access
from admf_kernels.compiler import eight
from admf_kernels.execution import log as event_log
from admf_kernels.execution import orders, records, requests
from admf_kernels.layout import fields_of

RAISED = 3  # status of a driver that ended with an error of Numba's
# Only drivers are called from Python: wrappers for all they reach take a quarter of the time.
OPTIONS = {
    "error_model": "numpy",
    "forceinline": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
DOUBLE, INT64 = ir.DoubleType(), ir.IntType(64)


@intrinsic
def _fma(context: Any, a: Any, b: Any, c: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return types.float64(types.float64, types.float64, types.float64), emit


@intrinsic
def _select(context: Any, condition: Any, a: Any, b: Any) -> Any:
    whole = isinstance(a, types.Integer) and isinstance(b, types.Integer)
    kind: Any = types.int64 if whole else types.float64

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        flag = args[0]
        if flag.type.width != 1:
            flag = builder.trunc(flag, ir.IntType(1))
        return builder.select(flag, args[1], args[2])

    return kind(types.boolean, kind, kind), emit


@intrinsic
def _bits_of(context: Any, x: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], INT64)

    return types.int64(types.float64), emit


@intrinsic
def _from_bits(context: Any, word: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], DOUBLE)

    return types.float64(types.int64), emit


def _rounding(name: str) -> Any:
    """Return the intrinsic that rounds to a whole number as the function of LLVM does."""

    @intrinsic
    def rounding(context: Any, x: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = ir.FunctionType(DOUBLE, [DOUBLE])
            function = cgutils.get_or_insert_function(builder.module, kind, name)
            return builder.fadd(builder.call(function, args), ir.Constant(DOUBLE, 0.0))

        return types.float64(types.float64), emit

    return rounding


_floor, _ceil = _rounding("llvm.floor.f64"), _rounding("llvm.ceil.f64")


def _pointer(kind: Any, llvm_type: Any) -> Any:
    @intrinsic
    def pointer(context: Any, address: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], llvm_type.as_pointer())

        return types.CPointer(kind)(types.int64), emit

    return pointer


_floats_at = _pointer(types.float64, DOUBLE)
_words_at = _pointer(types.int64, INT64)


@intrinsic
def _invoke(context: Any, entry: Any, table: Any, start: Any, stop: Any) -> Any:
    """Call another driver by address, in Numba's calling convention."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        function = ir.FunctionType(
            ir.IntType(32), [INT64.as_pointer(), byte.as_pointer(), byte, INT64, INT64]
        )
        with builder.goto_entry_block():
            result = builder.alloca(INT64)
            exception = builder.alloca(byte)
        callee = builder.inttoptr(args[0], function.as_pointer())
        table_at = builder.inttoptr(args[1], byte)
        failed = builder.call(callee, [result, exception, table_at, args[2], args[3]])
        # After an error the result was never written.
        raised = builder.or_(builder.shl(args[2], INT64(4)), INT64(RAISED))
        fine = builder.icmp_signed("==", failed, ir.IntType(32)(0))
        return builder.select(fine, builder.load(result), raised)

    return types.int64(types.int64, types.int64, types.int64, types.int64), emit


def _record_type(cls: type) -> Any:
    kinds = [(f.name, "<f8" if f.kind == "float" else "<i8") for f in fields_of(cls)]
    return from_dtype(np.dtype(kinds, align=True))


def _record(cls: type) -> Any:
    """Return the intrinsic that takes an address for a record of 64-bit words."""
    record = _record_type(cls)

    @intrinsic
    def at_address(context: Any, address: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(record))

        return record(types.int64), emit

    return at_address


def _near_record(cls: type) -> Any:
    """Return the intrinsic that makes a record of zeros on the stack."""
    record, words = _record_type(cls), ir.ArrayType(INT64, len(fields_of(cls)))

    @intrinsic
    def near_record(context: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            with builder.goto_entry_block():
                memory = builder.alloca(words)
            builder.store(ir.Constant(words, None), memory)
            return builder.bitcast(memory, context.get_value_type(record))

        return record(), emit

    return near_record


_AT = {cls: _record(cls) for cls in access.RECORDS}
_ORDER, _REQUEST = _AT[records.Order], _AT[records.Request]
_SIGNAL, _TRADE = _AT[event_log.SignalRow], _AT[event_log.TradeRow]
_ORDER_ROW, _FILL = _AT[event_log.OrderRow], _AT[event_log.FillRow]
_ADJUSTMENT = _AT[event_log.AdjustmentRow]
ORDER_BYTES, REQUEST_BYTES = 8 * len(records.Order._fields), 8 * len(records.Request._fields)
SIGNAL_BYTES = 8 * len(event_log.SignalRow._fields)
ORDER_ROW_BYTES = 8 * len(event_log.OrderRow._fields)
FILL_BYTES = 8 * len(event_log.FillRow._fields)
TRADE_BYTES = 8 * len(event_log.TradeRow._fields)
ADJUSTMENT_BYTES = 8 * len(event_log.AdjustmentRow._fields)


def _next_signal(log: Any) -> Any:
    log.signal_count += 1
    return _SIGNAL(log.signals + (log.signal_count - 1) * SIGNAL_BYTES)


def _next_order(log: Any) -> Any:
    log.order_count += 1
    return _ORDER_ROW(log.orders + (log.order_count - 1) * ORDER_ROW_BYTES)


def _next_fill(log: Any) -> Any:
    log.fill_count += 1
    return _FILL(log.fills + (log.fill_count - 1) * FILL_BYTES)


def _next_trade(log: Any) -> Any:
    log.trade_count += 1
    return _TRADE(log.trades + (log.trade_count - 1) * TRADE_BYTES)


def _next_adjustment(log: Any) -> Any:
    log.adjustment_count += 1
    return _ADJUSTMENT(log.adjustments + (log.adjustment_count - 1) * ADJUSTMENT_BYTES)


for _next in (_next_signal, _next_order, _next_fill, _next_trade, _next_adjustment):
    _next.__annotations__.clear()  # Numba compares signatures, annotations included


@intrinsic
def _widest(context: Any) -> Any:
    """Let the function that calls this be packed as wide as `compiler.eight` is."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # llvmlite lists only attributes without a value.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.none(), emit


@intrinsic
def _near_floats(context: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        with builder.goto_entry_block():
            floats = builder.alloca(ir.ArrayType(DOUBLE, access.NEAR_FLOATS))
            floats.align = 64
        return builder.bitcast(floats, DOUBLE.as_pointer())

    return types.CPointer(types.float64)(), emit


# What belongs into the function that calls it, by the name that drivers call it by.
DIRECT: dict[str, Any] = {
    "near_floats": _near_floats,
    "widest": _widest,
    **{f"near_{cls.__name__}": _near_record(cls) for cls in access.NEAR_RECORDS},
}


def _address_form(at_address: Any) -> Any:
    return lambda address: lambda address: at_address(address)


def _order_form(slots: Any, k: Any) -> Any:
    if isinstance(slots, types.Record):  # the only place there is
        return lambda slots, k: slots
    return lambda slots, k: _ORDER(slots + k * ORDER_BYTES)


_order_form.__annotations__.clear()


def _select_form(condition: Any, a: Any, b: Any) -> Any:
    chosen = eight.select_eight if eight.EIGHT in (a, b) or condition == eight.MASK else _select
    return lambda condition, a, b: chosen(condition, a, b)


_select_form.__annotations__.clear()

# Plain function, and what it becomes: typed by one lambda, implemented by the inner one.
FORMS: tuple[tuple[Any, Any], ...] = (
    (numeric.fma, lambda a, b, c: lambda a, b, c: _fma(a, b, c)),
    (numeric.select, _select_form),
    (numeric.floor, lambda x: lambda x: _floor(x)),
    (numeric.ceil, lambda x: lambda x: _ceil(x)),
    (numeric.bits_of, lambda x: lambda x: _bits_of(x)),
    (numeric.from_bits, lambda word: lambda word: _from_bits(word)),
    (
        numeric.at,
        lambda window, lag: (
            lambda window, lag: (
                window.column[window.row - lag] if 0 <= lag < window.bars else numeric.nan
            )
        ),
    ),
    (access.floats_at, lambda address: lambda address: _floats_at(address)),
    (access.words_at, lambda address: lambda address: _words_at(address)),
    (
        access.invoke,
        lambda entry, table, start, stop: (
            lambda entry, table, start, stop: _invoke(entry, table, start, stop)
        ),
    ),
    (orders.order_at, _order_form),
    (requests.request_at, lambda asked, k: lambda asked, k: _REQUEST(asked + k * REQUEST_BYTES)),
    (event_log.signal_row, lambda log: _next_signal),
    (event_log.order_row, lambda log: _next_order),
    (event_log.fill_row, lambda log: _next_fill),
    (event_log.trade_row, lambda log: _next_trade),
    (event_log.adjustment_row, lambda log: _next_adjustment),
    *((access.AT[cls], _address_form(at_address)) for cls, at_address in _AT.items()),
    *eight.FORMS,
)
for _plain, _form in FORMS:
    overload(_plain, jit_options=OPTIONS)(_form)

OVERLOADED = frozenset(plain for plain, _ in FORMS)
