"""What kind of doing an event is: Okta's own traffic, attempts that never got in, the opening of the Admin Console."""

from typing import Final

import narwhals.stable.v2 as nw
import pandas as pd

from ..log.keys import known
from ..schema import CONSOLE, SIGN_ON

SYSTEM: Final = ("SystemPrincipal",)

OKTA_AGENTS: Final = ("Okta-Integrations",)

OKTA_CLIENTS: Final = ("okta.b58d5b75-07d4-5f25-bf59-368a1261a405",)
"""The Admin Console, which asks for tokens from Okta's own addresses. The dashboard asks from the user's browser."""

OWN_COLUMNS: Final = ("actor_type", "raw_user_agent", "client_id")

ACTED_COLUMNS: Final = (*OWN_COLUMNS, "actor_id", "outcome_result", "external_session_id")

_REFUSED = ("FAILURE", "DENY")


def okta_own() -> nw.Expr:
    """Return where an event is Okta's own doing, whatever address and agent it shows."""
    known_own = {"actor_type": SYSTEM, "raw_user_agent": OKTA_AGENTS, "client_id": OKTA_CLIENTS}
    return nw.any_horizontal(
        *(nw.col(name).is_in(values).fill_null(False) for name, values in known_own.items()), ignore_nulls=True
    )


def acted() -> nw.Expr:
    """Return where somebody other than Okta did something: a refused attempt without a session may be anybody's."""
    refused = nw.col("outcome_result").is_in(_REFUSED).fill_null(False) & known("external_session_id").is_null()
    return ~okta_own() & ~refused & ~known("actor_id").is_null()


def opens_console(events: pd.DataFrame) -> "pd.Series[bool]":
    """Return where the Admin Console was opened, by its own event or by the policy that let somebody in."""
    named = events["targets"].str.contains("Okta Admin Console", regex=False, na=False)
    return (events["event_type"] == CONSOLE) | ((events["event_type"] == SIGN_ON) & named)
