"""The catalogue of problems: each explained, in the code and on its page alike."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from hub.adapters.gateway.problem import Problem
from hub.adapters.gateway.problems import MEDIA_TYPE, PROBLEMS, ProblemError, reference
from hub.errors import Fault

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "problems.md"


@pytest.mark.requirement("R-DEL-03")
def test_every_problem_has_its_entry_on_the_page() -> None:
    """The page is what the catalogue says: meaning, remedy, whether a retry helps."""
    assert PAGE.read_text(encoding="utf-8") == reference()
    for problem in PROBLEMS.values():
        assert f"## {problem.code}\n" in PAGE.read_text(encoding="utf-8")
        assert problem.meaning
        assert problem.fix


def test_every_code_the_gateway_raises_is_in_the_catalogue() -> None:
    """No code is raised that has no entry, and none has an entry that is never raised."""
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "hub" / "adapters" / "gateway").glob("*.py")
        if not path.name.endswith("problems.py") and path.name != "reference.py"
    )
    quoted = re.findall(r'"([a-z]+(?:-[a-z]+)+|internal|unauthenticated|overloaded)"', text)
    raised = set(quoted) & PROBLEMS.keys()
    assert raised == PROBLEMS.keys()


def test_problem_says_only_what_it_was_given() -> None:
    """A problem's document has its members, and the header that says when to come back."""
    fault = Fault(pointer="/case", rule="required", fix="name it")
    response = ProblemError("log-unavailable", faults=(fault,), retry_after_s=5).response()
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.headers["retry-after"] == "5"
    assert ProblemError("log-unavailable", retry_after_s=5).document() == {
        "type": "/problems/log-unavailable",
        "title": PROBLEMS["log-unavailable"].title,
        "status": 503,
        "code": "log-unavailable",
        "detail": PROBLEMS["log-unavailable"].fix,
        "retryable": True,
        "retry_after_s": 5,
    }


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_answer_quotes_its_trace_where_the_fault_is_the_hubs(problem: Problem) -> None:
    """Who is told that the hub failed can tell the operator where to look; nobody else need."""
    with TracerProvider().get_tracer("t").start_as_current_span("x") as current:
        answered = json.loads(bytes(ProblemError(problem.code).response().body))
    trace_id = trace.format_trace_id(current.get_span_context().trace_id)
    assert answered.get("trace_id") == (trace_id if problem.status >= 500 else None)
    assert "trace_id" not in json.loads(bytes(ProblemError(problem.code).response().body))


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_retryable_problems_are_those_that_time_may_mend(problem: Problem) -> None:
    """A 4xx is the sender's to mend, save where the request came too early, too often or too slowly."""
    assert problem.retryable == (
        problem.status in {429, *range(500, 600)}
        or problem.code in {"request-timeout", "idempotency-outstanding", "endpoint-busy"}
    )
