"""Other files than configurations, read as strictly: YAML, a typed model, errors with lines."""

from typing import TypeVar

import msgspec

from admf_fast.config.diagnose import Diagnosis
from admf_fast.config.load import read_text
from admf_fast.config.plain import plain
from admf_fast.config.section import Section
from admf_fast.config.source import Problems, Source, found_text
from admf_fast.config.yaml_reader import read_yaml
from admf_fast.errors import ConfigError

Model = TypeVar("Model", bound=Section)


def load_document(path: str, model: type[Model]) -> tuple[Model, Problems]:
    """The content of a YAML file as a `model`; further faults can be noted in the problems.

    Raises ConfigError for all faults at once, each with its line.
    """
    data, lines = read_yaml(read_text(path), path)
    if not isinstance(data, dict):
        found = "an empty file" if data is None else found_text(data)
        raise ConfigError(f"{path}: expected keys such as name and stages; found {found}")
    problems = Problems(Source(name=path, lines=lines))
    clean = plain(data, problems)
    problems.raise_if_any()
    try:
        return msgspec.convert(clean, model, strict=True), problems
    except msgspec.ValidationError as error:
        Diagnosis(model, problems).run(clean)
        if not problems:
            problems.add((), str(error))
        raise problems.error() from None
