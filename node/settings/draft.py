"""Rules that are tried before they stand in a settings file."""

import tomllib
from collections.abc import Sequence

from pydantic import ValidationError

from node.errors import SettingsError
from node.settings.analysis import AnalysisSettings, SelectionRule
from node.settings.example import toml
from node.settings.loading import in_words
from node.settings.whole import Settings

_BLOCK = "[[analysis.rules]]"


def rules_as_toml(rules: Sequence[SelectionRule]) -> str:
    """Rules as they stand in a settings file, in order; what has its default is left out."""
    return "\n".join(f"{_BLOCK}\n{_keys(rule)}" for rule in rules)


def drafted(text: str, settings: Settings) -> tuple[SelectionRule, ...]:
    """The rules that a piece of a settings file has, for a node of these settings.

    Raises
    ------
    SettingsError
        If it is no TOML, has other keys than rules, or any of them is wrong; every problem is
        named at once.
    """
    try:
        read = tomllib.loads(text)
    except ValueError as problem:
        raise SettingsError(f"it is not valid TOML: {problem}", _REMEDY) from problem
    section = read.pop("analysis", {})
    if not isinstance(section, dict):
        raise SettingsError("analysis is no section", _REMEDY)
    others = [*read, *(f"analysis.{key}" for key in section if key != "rules")]
    if others:
        raise SettingsError(f"it has other keys than rules: {', '.join(others)}", _REMEDY)
    try:
        rules = AnalysisSettings(**section).rules
    except ValidationError as wrong:
        problems = [in_words(each, "analysis") for each in wrong.errors()]
        raise SettingsError("; ".join(problems), _REMEDY) from wrong
    if strangers := settings.strangers_in(rules):
        raise SettingsError(strangers, _REMEDY)
    return rules


_REMEDY = f"Write rules as the settings file has them: each below a line {_BLOCK}."


def _keys(rule: SelectionRule) -> str:
    chosen = rule.model_dump(exclude_defaults=True)
    return "".join(f"{key} = {toml(value)}\n" for key, value in chosen.items())
