"""What can go wrong with a kernel: one tree, raised before a kernel runs."""


class KernelError(Exception):
    """A kernel, its parameters or its compiled form cannot be used."""


class UnknownKernelError(KernelError):
    """No kernel is registered under that name."""


class ParameterError(KernelError):
    """A parameter is missing, unknown, of the wrong type or out of range."""


class RuleError(KernelError):
    """A kernel's source breaks a rule of the determinism contract."""
