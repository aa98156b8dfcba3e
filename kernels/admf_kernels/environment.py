"""The floating-point environment: what must hold in a process for bits to be equal."""

from admf_kernels.errors import KernelError

_TINY = 2.2250738585072014e-308  # the smallest normal double
_SUBNORMAL = 5e-324


def check_float_environment() -> None:
    """Raise KernelError unless rounding is to nearest and subnormals are kept.

    A library built with ``-Ofast`` can change both for the whole process when it is loaded.
    """
    tiny, subnormal, one, three = _TINY, _SUBNORMAL, 1.0, 3.0
    flushed = tiny * 0.5 == 0.0 or subnormal + 0.0 == 0.0
    rounded = one / three != 0.3333333333333333 or -one / three != -0.3333333333333333
    rounded = rounded or one + 1.1102230246251565e-16 != 1.0
    if flushed or rounded:
        what = "subnormal numbers are flushed to zero" if flushed else "rounding is not to nearest"
        raise KernelError(
            f"the floating-point environment of this process was changed: {what}; a library "
            "loaded before did it (often one built with -Ofast): load admf alone to find it"
        )
