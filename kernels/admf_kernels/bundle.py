"""Composites with several outputs."""

from dataclasses import dataclass
from typing import Any

from admf_kernels.contract import Composite, Feature, _sources
from admf_kernels.errors import KernelError


@dataclass(frozen=True, slots=True, eq=False)
class Bundle(Composite):
    """A composite whose expression ends in one feature that has all its outputs."""

    def __call__(  # type: ignore[override]
        self, *args: Any, of: Any = None, **kwargs: Any
    ) -> Feature:
        """Return the feature for these parameters over `of`: ``stochastic(14).k``."""
        params = self.checked(*args, **kwargs)
        made = self.step(params, *_sources(self, of))
        if not isinstance(made, Feature) or made.indicator.outputs != self.outputs:
            raise KernelError(f"{self.name}: expected a feature with outputs {self.outputs}")
        return made
