"""Fair matching of needs to partners by successive shortest paths.

The network: an organisation gives up to as many units as its digest holds, each goes to one of its
needs, over a pair to a partner (through a gate where an organisation has more needs than it may
have pairs with one partner), and from there to the end. A unit may also go unused. Each unit takes
the cheapest path in the residual network (Ahuja, Magnanti and Orlin 1993, ch. 9.7), by Dijkstra's
method on reduced costs. A pair of level r earns ``sum of (n + 1)^(levels - 1 - l) over l <= r``: a
higher sum is exactly a better leximin order, since no count exceeds n. The costs are whole numbers
of any length, so nothing is rounded.
"""

from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final

import numpy as np

from matching.pairs import FloatArray, IntArray, Problem
from matching.pools import best_of_one

END: Final = -1
AT_FIRST: Final = 16
"""Places of a need's list that are made ready at first."""


@dataclass(frozen=True, slots=True)
class _List:
    """The best pairs of a need, their partners' nodes, and what each pair earns."""

    pairs: list[int]
    partners: list[int]
    earned: list[int]
    more: bool
    """Whether the need has further pairs."""


class Network:
    """The residual network of one problem and one division into levels."""

    def __init__(self, problem: Problem, edges: FloatArray) -> None:
        limits = problem.limits
        self._problem = problem
        self._edges = edges
        base, levels = problem.needs + 1, len(edges)
        self._earned: list[int] = np.cumsum(
            [base ** (levels - 1 - level) for level in range(levels)], dtype=object
        ).tolist()
        has_pairs = np.diff(problem.starts) > 0
        self._needs_of: list[list[int]] = [[] for _ in limits.per_organisation]
        for need in np.flatnonzero(has_pairs).tolist():
            self._needs_of[limits.organisation[need]].append(need)
        self._organisation: list[int] = limits.organisation.tolist()
        self._room: list[int] = limits.per_partner.tolist()
        # Nodes: needs, then organisations, then partners, then gates as they are met.
        self._first_organisation = problem.needs
        self._first_partner = problem.needs + len(limits.per_organisation)
        self._first_gate = self._first_partner + problem.partners
        self._gates: dict[tuple[int, int], int] = {}
        self._partner_of_gate: list[int] = []
        self._gates_of: dict[int, list[int]] = {}
        self._pair_of: dict[int, int] = {}
        self._holders: dict[int, set[int]] = {}
        self._load: dict[int, int] = {}
        self._lists: dict[int, _List] = {}
        self._potential: dict[int, int] = {}
        for organisation, needs in enumerate(self._needs_of):
            tops = [self._list_of(need).earned[0] for need in needs]
            self._potential |= dict(zip(needs, tops, strict=True))
            self._potential[self._first_organisation + organisation] = max(tops, default=0)

    def fill(self) -> IntArray:
        """(n,) the pair that each need gets, or -1."""
        limit = self._problem.limits.per_organisation.tolist()
        for organisation, needs in enumerate(self._needs_of):
            for _ in range(min(limit[organisation], len(needs))):
                if not self._augment(self._first_organisation + organisation):
                    break
        found = np.full(self._problem.needs, -1)
        for need, pair in self._pair_of.items():
            found[need] = pair
        return found

    def _list_of(self, need: int, place: int = 0) -> _List:
        """A need's list up to that place at least; most are never read further."""
        found = self._lists.get(need)
        if found is None or (place >= len(found.pairs) and found.more):
            number = AT_FIRST if found is None else 8 * len(found.pairs)
            best = best_of_one(self._problem, need, number)
            level = np.searchsorted(self._edges, self._problem.value[best], side="right") - 1
            found = self._lists[need] = _List(
                best.tolist(),
                (self._first_partner + self._problem.partner[best]).tolist(),
                [self._earned[each] for each in level.tolist()],
                more=len(best) < self._problem.starts[need + 1] - self._problem.starts[need],
            )
        return found

    def _augment(self, start: int) -> bool:
        """Sends one unit; False if it is best left unused."""
        done, before, shortest = self._search(start)
        for node, reached in done.items():
            if reached < shortest:
                self._potential[node] = self._potential.get(node, 0) + reached - shortest
        return self._apply(before)

    def _search(self, start: int) -> tuple[dict[int, int], dict[int, tuple[int, int]], int]:
        """Distances of the nodes that are nearer than the end, the arc (node, pair) by which each
        is reached, and the distance of the end."""
        potential = self._potential
        distance = {start: 0}
        before: dict[int, tuple[int, int]] = {}
        done: dict[int, int] = {}
        # (distance, node, place in the need's list or -1 for the node itself)
        heap: list[tuple[int, int, int]] = [(0, start, -1)]
        while heap[0][1] != END:
            _, node, place = heappop(heap)
            if place < 0 and node in done:
                continue
            at = done[node] = distance[node]
            here = at + potential.get(node, 0)
            for target, cost, pair in self._arcs(node, max(place, 0)):
                reached = here + cost - potential.get(target, 0)
                if target not in done and reached < distance.get(target, reached + 1):
                    distance[target] = reached
                    before[target] = (node, pair)
                    heappush(heap, (reached, target, -1))
            if node < self._first_organisation:
                # Pairs of a need are tried one by one, the best first: what the next one costs at
                # least is known, since no partner has a potential above 0.
                following = max(place, 0) + 1
                earned = self._list_of(node, following).earned
                if following < len(earned):
                    heappush(heap, (here - earned[following], node, following))
        return done, before, heap[0][0]

    def _arcs(self, node: int, place: int) -> list[tuple[int, int, int]]:
        """(target, cost, pair) of the residual arcs out of a node; of a need the one at `place`
        and, with the first, the way back to its organisation."""
        if node < self._first_organisation:
            return self._arcs_of_need(node, place)
        if node < self._first_partner:
            needs = self._needs_of[node - self._first_organisation]
            idle = [(need, 0, -1) for need in needs if need not in self._pair_of]
            return [*idle, (END, 0, -1)]
        arcs = [(need, self._earns(need), -1) for need in sorted(self._holders.get(node, ()))]
        if node < self._first_gate:
            if self._load.get(node, 0) < self._room[node - self._first_partner]:
                arcs.append((END, 0, -1))
            arcs += [(gate, 0, -1) for gate in self._gates_of.get(node, ()) if self._holders[gate]]
        elif len(self._holders[node]) < self._problem.limits.per_organisation_and_partner:
            arcs.append((self._partner_of_gate[node - self._first_gate], 0, -1))
        return arcs

    def _arcs_of_need(self, need: int, place: int) -> list[tuple[int, int, int]]:
        listed = self._list_of(need, place)
        arcs = []
        if self._pair_of.get(need) != listed.pairs[place]:
            target = self._gate(need, listed.partners[place])
            arcs.append((target, -listed.earned[place], listed.pairs[place]))
        if place == 0 and need in self._pair_of:
            arcs.append((self._first_organisation + self._organisation[need], 0, -1))
        return arcs

    def _earns(self, need: int) -> int:
        value = self._problem.value[self._pair_of[need]]
        return self._earned[int(np.searchsorted(self._edges, value, side="right")) - 1]

    def _gate(self, need: int, partner: int) -> int:
        """The node through which the need reaches a partner."""
        organisation = self._organisation[need]
        if len(self._needs_of[organisation]) <= (self._problem.limits.per_organisation_and_partner):
            return partner
        gate = self._gates.get((organisation, partner))
        if gate is None:
            gate = self._first_gate + len(self._partner_of_gate)
            self._gates[organisation, partner] = gate
            self._partner_of_gate.append(partner)
            self._gates_of.setdefault(partner, []).append(gate)
            self._holders[gate] = set()
        return gate

    def _apply(self, before: dict[int, tuple[int, int]]) -> bool:
        """Turns the arcs of the path around; True if it ended with a partner."""
        path = [END]
        while path[-1] in before:
            path.append(before[path[-1]][0])
        path.reverse()
        for node, target in pairwise(path):
            if target == END:
                break
            if node < self._first_organisation <= target and target >= self._first_partner:
                self._pair_of[node] = before[target][1]
                self._holders.setdefault(target, set()).add(node)
            elif node >= self._first_partner and target < self._first_organisation:
                self._holders[node].discard(target)
                del self._pair_of[target]
        if path[-2] < self._first_partner:
            return False
        self._load[path[-2]] = self._load.get(path[-2], 0) + 1
        return True
