"""What kind of doing an event is: Okta's own traffic, attempts that never got in, the opening of the Admin Console."""

from functools import reduce
from operator import or_
from typing import Final

import narwhals.stable.v2 as nw
import pandas as pd

from ..log.keys import done, known, were_done
from ..schema import CONSOLE, SIGN_ON, types_of

SYSTEM: Final = ("SystemPrincipal",)

OKTA_AGENTS: Final = ("Okta-Integrations",)

OKTA_CLIENTS: Final = ("okta.b58d5b75-07d4-5f25-bf59-368a1261a405",)
"""The Admin Console, which asks for tokens from Okta's own addresses. The dashboard asks from the user's browser."""

OWN_COLUMNS: Final = ("actor_type", "raw_user_agent", "client_id")

DELIBERATE_COLUMNS: Final = (*OWN_COLUMNS, "event_type", "actor_id", "outcome_result", "external_session_id")


def is_okta_internal() -> nw.Expr:
    """Return where an event is Okta's own doing, whatever address and agent it shows."""
    known_own = {"actor_type": SYSTEM, "raw_user_agent": OKTA_AGENTS, "client_id": OKTA_CLIENTS}
    return nw.any_horizontal(
        *(nw.col(name).is_in(values).fill_null(False) for name, values in known_own.items()), ignore_nulls=True
    )


def is_deliberate() -> nw.Expr:
    """Return where somebody other than Okta did something.

    An attempt that was refused or not decided may be anybody's, unless it was made within a session. A sign-in has the
    number of its session before it is decided, so that this proves nothing.
    """
    proves = reduce(or_, (nw.col("event_type").str.starts_with(kind) for kind in types_of("proof")))
    inside = ~known("external_session_id").is_null() & ~proves.fill_null(False)
    return ~is_okta_internal() & (done() | inside) & ~known("actor_id").is_null()


def opens_console(events: pd.DataFrame) -> "pd.Series[bool]":
    """Return where the Admin Console was opened, by its own event or by the policy that let somebody in.

    Needs `event_type outcome_result targets`; an opening that was refused or not decided is none.
    """
    named = events["targets"].str.contains("Okta Admin Console", regex=False, na=False)
    opening = (events["event_type"] == CONSOLE) | ((events["event_type"] == SIGN_ON) & named)
    return opening & were_done(events["outcome_result"])
