"""YAML and TOML as text: what is read, what is refused, and at which line."""

import pytest
import yaml

from admf_fast.config import yaml_reader
from admf_fast.config.toml_reader import read_toml
from admf_fast.config.yaml_reader import DEPTH_MAX, read_yaml
from admf_fast.errors import ConfigError


@pytest.fixture(autouse=True, params=["CSafeLoader", "SafeLoader"])
def loader(request, monkeypatch):
    """Both parsers of PyYAML: libyaml, and the one in Python that stands in for it."""
    monkeypatch.setattr(yaml_reader, "_LOADER", getattr(yaml, request.param))


def yaml_value(text):
    return read_yaml(f"key: {text}\n", "x.yaml")[0]["key"]


def yaml_error(text):
    with pytest.raises(ConfigError) as caught:
        read_yaml(text, "x.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        ("-1.25e+3", -1250.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("2024-01-31", "2024-01-31"),
    ],
)
def test_yaml_scalars_follow_the_1_2_core(text, value):
    read = yaml_value(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "text",
    ["no", "yes", "on", "off", "No", "012", "1_000", "12:30:00", "0x1F", "0o14", "1e", "--1", "="],
)
def test_g02_yaml_ambiguous_scalars_stay_text(text):
    assert yaml_value(text) == text


@pytest.mark.parametrize("text", [".nan", ".inf", "-.INF", "1e999", "1e-400", "9" * 30, "9" * 9999])
def test_g01_yaml_numbers_that_float64_does_not_hold_are_refused(text):
    message = yaml_error(f"a: 1\nkey: {text}\n")
    assert message.startswith("x.yaml:2: key: expected ")


def test_yaml_lines_of_keys_and_items():
    text = "a: 1\n\nb:\n  # comment\n  c: [1,\n    2]\n  d:\n    - x: 1\n      y: 2\n"
    _, lines = read_yaml(text, "x.yaml")
    assert lines[("b",)] == 3
    assert lines[("b", "c")] == 5
    assert lines[("b", "c", 1)] == 6
    assert lines[("b", "d", 0, "y")] == 9


def test_g01_yaml_duplicate_key_names_both_lines():
    message = yaml_error("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert message == "x.yaml:4: a.b is given twice, on lines 2 and 4; keep one"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: &x 1\nb: 2\n", "x.yaml:1: a: anchors"),
        ("a: 1\nb: *x\n", "x.yaml:2: b: aliases"),
        ("a: 1\nb: !!str 2\n", "x.yaml:2: b: tags"),
        ("a: !!python/object/apply:os.system [ls]\n", "x.yaml:1: a: tags"),
        ("a: !custom {}\n", "x.yaml:1: a: tags"),
        ("a:\n  <<: {b: 1}\n", "x.yaml:2: merge keys"),
        ("%YAML 1.1\n---\na: 1\n", "x.yaml:1: directives"),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", "x.yaml:1: directives"),
        ("a: 1\n---\nb: 1\n", "x.yaml:2: a second document"),
        ("a: 1\n? [1, 2]\n: 3\n", "x.yaml:2: a key must be a single word"),
    ],
)
def test_g02_yaml_features_beyond_plain_data_are_refused(text, found):
    assert yaml_error(text).startswith(found)


def test_h08_yaml_bomb_of_aliases_is_refused_at_its_first_anchor():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert yaml_error("\n".join(rows)).startswith("x.yaml:1: a0: anchors")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_h08_yaml_depth_is_limited(opening):
    message = yaml_error(opening * 100_000)
    assert "nested deeper" in message or "a key must be" in message


def test_yaml_depth_up_to_the_limit_is_read():
    text = "[" * DEPTH_MAX + "1" + "]" * DEPTH_MAX
    value, _ = read_yaml(text, "x.yaml")
    for _ in range(DEPTH_MAX):
        value = value[0]
    assert value == 1


def test_yaml_syntax_errors_name_line_and_remedy():
    assert yaml_error("a: 1\nb: [1\nc: 2\n").startswith("x.yaml:3: not valid YAML: ")
    assert yaml_error("a:\n\tb: 1\n").endswith("; indent with spaces, not tabs")
    assert "not valid YAML" in yaml_error("a: \x00\n")


def toml_error(text):
    with pytest.raises(ConfigError) as caught:
        read_toml(text, "x.toml")
    return str(caught.value)


TOML = '''\
name = "x"

[bars]
path = "a.parquet"  # [not] a = table
"quoted" = 1
note = """
[fake]
path = 1
"""
[strategy.params]
fast = 10
[[features]]
name = "a"
[[features]]
name = "b"
params.period = 3
[features.deep]
x = 1
'''


def test_toml_lines_of_keys():
    data, lines = read_toml(TOML, "x.toml")
    assert data["features"][1]["deep"] == {"x": 1}
    expected = {
        ("bars",): 3,
        ("bars", "path"): 4,
        ("bars", "quoted"): 5,
        ("strategy",): 10,
        ("strategy", "params", "fast"): 11,
        ("features", 0, "name"): 13,
        ("features", 1, "name"): 15,
        ("features", 1, "params", "period"): 16,
        ("features", 1, "deep", "x"): 18,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert ("fake",) not in lines


def test_g01_toml_duplicate_key_names_both_lines():
    message = toml_error("[a]\nb = 1\n\nb = 2\n")
    assert message == "x.toml:4: a.b is given twice, on lines 2 and 4; keep one"
    message = toml_error("[a]\nb = 1\n[a]\nc = 2\n")
    assert message == "x.toml:3: a is given twice, on lines 1 and 3; keep one"


def test_toml_syntax_errors_name_the_line():
    assert toml_error("a = 1\nb = no\n").startswith("x.toml:2: not valid TOML: ")
    assert toml_error('a = 1\nb = "open').startswith("x.toml:2: not valid TOML: ")


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999", "1e-400"])
def test_g01_toml_numbers_that_float64_does_not_hold_are_refused(number):
    assert toml_error(f"a = 1 # {number}\nb = {number}\n").startswith("x.toml:2: expected ")


def test_toml_dates_become_the_text_that_yaml_holds():
    data, _ = read_toml("a = 2024-01-31\nb = [2024-01-31T14:30:00Z]\n", "x.toml")
    assert data == {"a": "2024-01-31", "b": ["2024-01-31T14:30:00Z"]}


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{a=" * 100_000,
        "a" + ".a" * 200_000 + " = 1",
        'a = {x"."."' + ' . "."' * 100_000 + " = 1}",
        "a = " + "9" * 100_000,
        "[[a]]\n" * 50_000 + "a = = 1",
        "[" + "a." * 5_000,
    ],
)
def test_h08_toml_bombs_are_refused_quickly(text):
    assert toml_error(text).startswith("x.toml")
