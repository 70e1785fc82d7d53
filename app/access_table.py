"""The policy as a table: every route, method, actor and state, for docs and for tests."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.access import (
    OPEN_ACTIONS,
    Action,
    Noun,
    Relation,
    State,
    View,
    decide,
    may_ever,
    states,
)
from models import Confidentiality, IntroductionState, NeedStatus, Role


@dataclass(frozen=True, slots=True)
class RouteRule:
    """An endpoint under one method, and the action that it declares."""

    method: str
    path: str
    action: Action


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer of the policy; without a role it is that to somebody without an account."""

    route: RouteRule
    role: Role | None
    state: State
    view: View


def cells(routes: Iterable[RouteRule]) -> Iterator[Cell]:
    """Every cell: route x method x actor x state."""
    for route in routes:
        is_open = route.action in OPEN_ACTIONS
        yield Cell(route, None, State(), View.FULL if is_open else View.NONE)
        for role in Role:
            for state in states(route.action.noun, role):
                yield Cell(route, role, state, decide(role, route.action, state))


def markdown(routes: Sequence[RouteRule]) -> str:
    """The table as a document: routes by action, then each action's answers."""
    lines = [HEAD]
    for action in Action:
        ours = sorted((r for r in routes if r.action is action), key=lambda r: (r.path, r.method))
        if not ours:
            continue
        lines += [f"## To {action.label}", ""]
        lines += [f"- `{route.method} {route.path}`" for route in ours]
        scope = f"the scope `{action.scope.value}`" if action.scope else "no scope"
        lines += ["", f"Needs {scope}.", "", *_answers(action), ""]
    return "\n".join(lines)


HEAD = """# Who sees and does what

Printed by `enmusubi access table` from `app/access.py`; a test compares the two, and another asks
the running service for every cell. Whoever has no account is answered 401 on every route but the
open ones. Where the view is `none` in every state the answer is 403, else 404, word for word as
for an object that does not exist. A key may lack a scope that its role has: then the answer is 403.
"""


def _answers(action: Action) -> Iterator[str]:
    if action.noun is Noun.NEED:
        columns: Sequence[object] = [f"{level.value}" for level in Confidentiality]
    elif action.noun is Noun.INTRODUCTION:
        columns = [stage.value for stage in IntroductionState]
    else:
        columns = ["view"]
    yield "| actor | " + " | ".join(map(str, columns)) + " |"
    yield "|---|" + "---|" * len(columns)
    if action in OPEN_ACTIONS:
        yield "| nobody signed in |" + " full |" * len(columns)
    for role in Role:
        if not may_ever(role, action):
            yield f"| {role.value} |" + " none |" * len(columns)
            continue
        relations = dict.fromkeys(state.relation for state in states(action.noun, role))
        for relation in relations:
            yield from _row(action, role, relation)


def _row(action: Action, role: Role, relation: Relation) -> Iterator[str]:
    name = role.value if relation is Relation.STRANGER else f"{role.value}, {relation.value}"
    if action.noun is Noun.NEED:
        said = [_need_cell(action, role, relation, level) for level in Confidentiality]
        yield f"| {name} | " + " | ".join(said) + " |"
    elif action.noun is Noun.INTRODUCTION:
        by_level: dict[tuple[View, ...], list[str]] = {}
        for level in Confidentiality:
            row = tuple(
                decide(role, action, State(relation, level, None, stage))
                for stage in IntroductionState
            )
            by_level.setdefault(row, []).append(level.value)
        for row, levels in by_level.items():
            of = "" if len(by_level) == 1 else f" ({', '.join(levels)})"
            yield f"| {name}{of} | " + " | ".join(view.value for view in row) + " |"
    else:
        yield f"| {name} | {decide(role, action, State(relation)).value} |"


def _need_cell(action: Action, role: Role, relation: Relation, level: Confidentiality) -> str:
    by_view: dict[View, list[str]] = {}
    for status in NeedStatus:
        view = decide(role, action, State(relation, level, status))
        by_view.setdefault(view, []).append(status.value)
    if len(by_view) == 1:
        return next(iter(by_view)).value
    return "; ".join(f"{view.value}: {', '.join(on)}" for view, on in by_view.items())
