"""The rules of the settings, or a draft of them, as the status page tries them."""

from node.settings import Settings, drafted, rules_as_toml
from node.status import Rulebook
from node.wiring.eligibility import eligibility


def rulebook(settings: Settings, draft: str | None) -> Rulebook:
    """The rules as read; with a ``draft``, those that this piece of a settings file has.

    Raises
    ------
    SettingsError
        If the draft cannot be used.
    """
    limits = settings.analysis
    if draft is not None:
        limits = limits.model_copy(update={"rules": drafted(draft, settings)})
    text = rules_as_toml(limits.rules)
    return Rulebook(eligibility(limits, ""), text, settings.wanted_results())
