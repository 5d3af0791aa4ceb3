"""Labs register what works are made with; others attest it, dispute it, and artists move on."""

import numpy as np

from contracts.simulation.agents import Artist, Lab
from contracts.simulation.books.registry import OPEN, Asset, Kind
from contracts.simulation.calls import OPERATOR
from contracts.simulation.works import PROCESS, Materials, first_materials, named_hash
from contracts.simulation.world import World
from data.styles import style_names

_ADOPT_CHANCE = 0.5
_CHECK_CHANCE = 0.12
_PASS_CHANCE = 0.85
_MOST_LEVEL = 3
_MOST_ANCESTORS = 9
_FIRST_DISPUTE_DAY, _SOON_DAYS, _LATER_DAYS = 8, 6, 45
_JUDGE_AFTER_DAYS = 2


class Registrars:
    """The Registry's people: the house that registers for all at first, and the labs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._choice: dict[tuple[str, int], Materials] = {}
        self._published: list[Asset] = []
        self._to_judge: list[tuple[int, bytes, bool]] = []
        self._disputed = 0
        self._next_dispute = _FIRST_DISPUTE_DAY

    def open(self) -> None:
        """Registers what the artists begin with, and proposes the labs as registrars."""
        registry, styles = self._world.registry, style_names()
        registry.register(OPERATOR, named_hash("process", PROCESS), Kind.PROCESS, PROCESS)
        for style in styles:
            registry.register(OPERATOR, named_hash("style", style), Kind.DATASET, f"{style} works")
        for artist in self._world.people.artists:
            data = [named_hash("style", styles[style]) for style in artist.styles]
            model = named_hash("artist", artist.name)
            registry.register(OPERATOR, model, Kind.MODEL, f"model of {artist.name}", data)
        for lab in self._world.people.labs:
            registry.admit(lab.address)

    def act(self, rng: np.random.Generator, lab: Lab) -> None:
        """Publishes what is due, and now and then checks what somebody else published."""
        world = self._world
        admitted = lab.address in world.registry.registrars
        if not admitted or not world.ledger.can_pay(lab.address, 0):
            return
        age_days = world.day - lab.first_day
        if age_days >= 0 and age_days % lab.every_days == 0:
            self._publish(rng, lab)
        elif rng.random() < _CHECK_CHANCE:
            self._check(rng, lab)

    def quarrel(self, rng: np.random.Generator) -> None:
        """Opens a dispute about a lab's asset now and then, and has it judged days later."""
        world = self._world
        for plan in [plan for plan in self._to_judge if plan[0] <= world.day]:
            self._to_judge.remove(plan)
            world.registry.propose_judgement(plan[1], upheld=plan[2])
        targets = [asset for asset in self._published if self._can_be_disputed(asset)]
        if world.day < self._next_dispute or not targets:
            return
        target = targets[int(rng.integers(0, len(targets)))]
        collectors = world.people.collectors
        opener = collectors[int(rng.integers(0, len(collectors)))].address
        if not world.ledger.can_pay(opener, 0):
            return
        self._disputed += 1
        evidence = named_hash("evidence", f"{self._disputed}")
        world.registry.open_dispute(opener, target.digest, evidence)
        # By turns, so that a short market, too, sees one end and then the other.
        upheld = self._disputed % 2 == 0
        self._to_judge.append((world.day + _JUDGE_AFTER_DAYS, target.digest, upheld))
        wait_days = _SOON_DAYS if self._disputed % 2 else _LATER_DAYS
        self._next_dispute = world.day + wait_days

    def materials(self, artist: Artist, style: int) -> Materials:
        """What an artist makes the next work of a style with: nothing that is tainted."""
        registry = self._world.registry
        first = first_materials(artist.name, style)
        chosen = self._choice.get((artist.address, style), first)
        clean = registry.usable(chosen.model, Kind.MODEL)
        if clean and registry.usable(chosen.dataset, Kind.DATASET):
            return chosen
        del self._choice[artist.address, style]
        return first

    def _publish(self, rng: np.random.Generator, lab: Lab) -> None:
        """A dataset and a model made from it and from the lab's last clean one; some take it up."""
        registry, styles = self._world.registry, style_names()
        style = int(rng.integers(0, len(styles)))
        number = sum(1 for asset in self._published if asset.registrant == lab.address)
        first = named_hash("style", styles[style])
        dataset = registry.register(
            lab.address, named_hash("dataset", f"{lab.name} {number}"), Kind.DATASET,
            f"{styles[style]} as {lab.name} sees it", [first],
        )  # fmt: skip
        parents = [dataset.digest, *self._base_of(lab)]
        model = registry.register(
            lab.address, named_hash("model", f"{lab.name} {number}"), Kind.MODEL,
            f"{lab.name} {number // 2 + 1} {styles[style]}", parents,
        )  # fmt: skip
        self._published += [dataset, model]
        chosen = Materials(model.digest, dataset.digest, named_hash("process", PROCESS))
        for artist in self._world.people.artists:
            if style in artist.styles and rng.random() < _ADOPT_CHANCE:
                self._choice[artist.address, style] = chosen

    def _base_of(self, lab: Lab) -> list[bytes]:
        """The lab's latest model on which another can be built: clean, and not too deep."""
        registry = self._world.registry
        for asset in reversed(self._published):
            ours = asset.registrant == lab.address and asset.kind == Kind.MODEL
            if ours and registry.taint_of(asset.digest) is None:
                return [asset.digest] if len(asset.ancestors) < _MOST_ANCESTORS else []
        return []

    def _check(self, rng: np.random.Generator, lab: Lab) -> None:
        others = [asset for asset in self._published if asset.registrant != lab.address]
        if not others:
            return
        asset = others[int(rng.integers(0, len(others)))]
        report = rng.bytes(32)
        passed = bool(rng.random() < _PASS_CHANCE)
        level = int(rng.integers(0, _MOST_LEVEL + 1))
        self._world.registry.attest(lab.address, asset.digest, level, report, passed=passed)

    def _can_be_disputed(self, asset: Asset) -> bool:
        dispute = self._world.registry.disputes.get(asset.digest)
        undecided = dispute is not None and dispute.state == OPEN
        return not undecided and self._world.registry.taint_of(asset.digest) is None
