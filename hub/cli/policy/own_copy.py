"""`hub policy own-copy`: the Sentence Plan as the person it is about may have it (R-PLAN-03)."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.policy.asking import put
from hub.cli.policy.options import Json, write_file

if TYPE_CHECKING:
    from hub.app.questions import Questions


def own_copy(
    case: Annotated[str, typer.Option("--case", help="The case: its reference, or case_….")],
    out: Annotated[Path | None, typer.Option("--out", help="File to write it to.", metavar="FILE")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Write the person's own copy of the current Sentence Plan: what of it they may see.

    It is decided by the rules in force like every delivery, on the person's right to what is held about
    them (DPA 2018 s.45). Nothing of victims, third parties or intelligence is in it; what is held back to
    protect others is named as held back. Hand it over in person; the question is recorded.
    """

    async def ask(questions: Questions) -> str:
        """Decide and cut the plan as it is now."""
        from hub.errors import NotConfigured
        from hub.messages.identifiers import Instant
        from hub.routing.own_copy import own_copy as made_for
        from hub.topics.own_copy_page import as_json_text, as_page

        view, found = await questions.case_now(case, "own-copy")
        policy = view.policy()
        if policy is None:
            message = "no rules on who may know what are in force"
            raise NotConfigured(message, fix="release them: `python3 -m hub policy release`")
        now = Instant(time.time_ns() // 1_000_000)
        copy = await questions.answered(view, lambda: made_for(found, policy=policy, view=view, now=now))
        return as_json_text(copy) if as_json else as_page(copy, policy)

    text = put(ask, 30)
    if out is None:
        sys.stdout.write(text)
        return
    write_file("--out", out, text)
    print(f"written: {out}")
