"""Variants: a method with other values of some parameters, as a method with a name of its own.

The name of a variant is the method and the values, with blanks between them: `pos window_s=3.2`. So
a table, a file of results and an option name a variant without any further key.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product

from rppgbench.core.method import Method
from rppgbench.system.errors import BenchError

Value = bool | int | float | str


def variant_name(method: str, values: Mapping[str, Value]) -> str:
    """The name of a variant.

    Args:
        method: name of the method.
        values: values of parameters, by name.

    Returns:
        The name; that of the method where there is no value.

    Examples:
        >>> variant_name("pos", {"window_s": 3.2, "left_out": "last"})
        'pos window_s=3.2 left_out=last'
    """
    return " ".join([method, *(f"{name}={_text(value)}" for name, value in values.items())])


def split_variant(name: str) -> tuple[str, dict[str, Value]]:
    """The method and the values of a variant's name; a method's own name has no values.

    Examples:
        >>> split_variant("pos window_s=3.2 left_out=last"), split_variant("pos")
        (('pos', {'window_s': 3.2, 'left_out': 'last'}), ('pos', {}))
    """
    method, *parts = name.split(" ")
    if not parts or not all("=" in part for part in parts):
        return name, {}
    return method, {key: read_value(text) for key, _, text in (p.partition("=") for p in parts)}


def read_value(text: str) -> Value:
    """The value of a parameter as it is typed: a number or a truth value of TOML, else a text.

    Examples:
        >>> read_value("2.5"), read_value("true"), read_value("box")
        (2.5, True, 'box')
    """
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value if isinstance(value, bool | int | float | str) else text


def make_variant(method: Method, name: str, values: Mapping[str, Value]) -> Method:
    """A method whose parameters have other values.

    Args:
        method: the method.
        name: name of the variant.
        values: the values; they count more than those of a preset.

    Returns:
        The variant, with the code of the method.

    Raises:
        BenchError: the method has no such parameter, or a value is of another kind.
    """
    title = f"{method.title} ({', '.join(f'{key} {_text(v)}' for key, v in values.items())})"
    return replace(
        method,
        name=name,
        title=title,
        params=method.parameters(values, name),
        presets={preset: {**sets, **values} for preset, sets in method.presets.items()},
        variant_of=method.name,
    )


def variants_of(method: str, values: Mapping[str, tuple[Value, ...]]) -> Iterator[str]:
    """Yield the names of all variants of a sweep.

    Args:
        method: name of the method.
        values: the values of each parameter.

    Raises:
        BenchError: a text holds a blank, which separates the values of a name, or reads as a number
            or a truth value.

    Examples:
        >>> list(variants_of("pos", {"window_s": (1.6, 3.2)}))
        ['pos window_s=1.6', 'pos window_s=3.2']
    """
    for name, several in values.items():
        for value in several:
            if isinstance(value, str) and (read_value(value) != value or " " in value):
                raise BenchError(
                    f"--param: {method}.{name}: the text {value!r} cannot be one of several "
                    "values, because the name of a row would not give it back; give it alone"
                )
    for combination in product(*values.values()):
        yield variant_name(method, dict(zip(values, combination, strict=True)))


class MethodTable(dict[str, Method]):
    """Methods by name. A variant of one of them is found by its name too, and is not listed."""

    def __missing__(self, name: str) -> Method:
        method, values = split_variant(name)
        if not values or not super().__contains__(method):
            raise KeyError(name)
        return make_variant(self[method], name, values)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (
            isinstance(name, str) and super().__contains__(split_variant(name)[0])
        )


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
