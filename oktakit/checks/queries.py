"""Where to get what is missing: one question to the log's owner, in three query languages."""

import re
from typing import NamedTuple

_PLAIN = re.compile(r"[\w.@:-]{1,100}", re.ASCII)


class Query(NamedTuple):
    """The events that are missing: types, of which one that ends in a dot is a beginning, and Okta's paths with values.

    One of the paths has to have its value. A value that could mean something in a query language is left out.
    """

    kinds: tuple[str, ...] = ()
    where: tuple[tuple[str, str | None], ...] = ()

    def system_log(self) -> str:
        """Return a filter of Okta's System Log API.

        >>> Query(("user.session.start", "user.mfa."), (("actor.id", "00u1"),)).system_log()
        '(eventType eq "user.session.start" or eventType sw "user.mfa.") and (actor.id eq "00u1")'
        """
        kinds = [f'eventType {"sw" if kind.endswith(".") else "eq"} "{kind}"' for kind in self.kinds]
        return _both(kinds, [f'{path} eq "{value}"' for path, value in self._values()], "or", "and")

    def splunk(self) -> str:
        """Return a search for Splunk, over the fields of the Okta add-on.

        >>> Query(("user.mfa.",), (("target.id", "00u1"),)).splunk()
        'sourcetype="OktaIM2:log" (eventType="user.mfa.*") AND ("target{}.id"="00u1")'
        """
        kinds = [f'eventType="{kind}*"' if kind.endswith(".") else f'eventType="{kind}"' for kind in self.kinds]
        values = [f'"{path.replace("target.", "target{}.")}"="{value}"' for path, value in self._values()]
        return f'sourcetype="OktaIM2:log" {_both(kinds, values, "OR", "AND")}'.strip()

    def kql(self) -> str:
        """Return a query for Microsoft Sentinel, over the parser OktaSSO.

        >>> Query(("user.session.start",), (("target.id", "00u1"), ("actor.id", "00u1"))).kql()
        'OktaSSO | where (eventType_s == "user.session.start") and (target_s has "00u1" or actor_id_s == "00u1")'
        """
        kinds = [f'eventType_s {"startswith" if kind.endswith(".") else "=="} "{kind}"' for kind in self.kinds]
        values = [_kql(path, value) for path, value in self._values()]
        return f"OktaSSO | where {_both(kinds, values, 'or', 'and')}"

    def _values(self) -> list[tuple[str, str]]:
        return [(path, value) for path, value in self.where if value and _PLAIN.fullmatch(value)]


def _kql(path: str, value: str) -> str:
    if path.startswith("target."):
        return f'target_s has "{value}"'
    return f'{path.replace(".", "_")}_{"g" if path == "uuid" else "s"} == "{value}"'


def _both(kinds: list[str], values: list[str], either: str, both: str) -> str:
    return f" {both} ".join(f"({f' {either} '.join(terms)})" for terms in (kinds, values) if terms)
