"""The confined process that cuts a model: ``python -m api.partitioning.child``."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
from onnx import ModelProto

from api.partitioning.searching import Priced, named, ordered_groups, split
from api.partitioning.wanted import MAX_PIECES, Answer, MadePartition, MadePiece, Request, Wanted
from api.process.children import die_with_parent
from devices.catalogue import Provider, provider
from devices.models.confining import confine
from devices.models.info import describe, parse
from devices.models.partitions.extracting import extract
from devices.models.partitions.links import Links
from devices.models.partitions.naming import pieces_between
from devices.runtime.child import answer_on_stdout
from devices.runtime.errors import ProviderRefused, RunFailed
from devices.runtime.inputs import seeded_inputs
from devices.runtime.judging.coverage import Stretch, stretches
from devices.runtime.operators import operator_times
from devices.runtime.proving import SEEDS, Proof, Values, prove
from devices.runtime.registry import devices
from devices.runtime.session import open_session
from devices.tensors.encoding import decoded
from scheduler.model.errors import InvalidInput, InvalidModel, UnknownName
from scheduler.model.messages import Value

_RUNS = 3
"""Runs of the whole before the search; the proof times it again beside its pieces."""


def main() -> None:
    """Cut one model under limits and print an `Answer`."""
    die_with_parent()
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    with answer_on_stdout() as answer:
        confine(request.limits, written_bytes=request.limits.memory_bytes)
        answer(_answer(request))


def _answer(request: Request) -> Answer:
    try:
        return Answer(made=_Cutter(request).cut())
    except InvalidInput as error:
        return Answer(refusal=error.message, field=error.field or "model")
    except (ProviderRefused, RunFailed) as error:
        return Answer(refusal=f"pieces must run on the CPU; {error}", field="cuts")


@dataclass(frozen=True)
class _Cutter:
    """One request, with the files that it reads and writes."""

    request: Request

    @cached_property
    def links(self) -> Links:
        """The graph of the model."""
        return Links.of(parse(Path(self.request.path)))

    @cached_property
    def examples(self) -> Values:
        """Values of inputs that the user gave."""
        return {name: _array(value) for name, value in self.request.examples.items()}

    def cut(self) -> MadePartition:
        """The partition that is wanted, proven."""
        wanted = self.request.wanted
        made_by_nothing = [name for name in self.links.outputs if name not in self.links.makers]
        if made_by_nothing:
            law = "outputs of a model that is cut must be made from its inputs"
            raise InvalidModel(f"{law}; {made_by_nothing[0]!r} is not", field="model")
        if wanted.cuts:
            return self._made(pieces_between(self.links, wanted.cuts))
        if wanted.provider:
            return self._covered(wanted.provider)
        if wanted.pieces:
            found = split(self._priced, wanted.pieces)
            if len(found) < wanted.pieces:
                law = (
                    f"pieces must be at most {len(found)}: more make no shorter longest piece here"
                )
                raise InvalidModel(f"{law}; got {wanted.pieces}", field="pieces")
            return self._made(found)
        return self._within(wanted)

    def _within(self, wanted: Wanted) -> MadePartition:
        """The partition of fewest pieces none of which takes longer than wanted."""
        whole_us = self._priced.sum_us(self.links.nodes)
        if whole_us <= wanted.within_us:
            law = (
                f"must be below the time of the whole, {whole_us / 1000:.3g} ms, for a cut to help"
            )
            raise InvalidModel(
                f"preemptible_within_ms {law}; got {wanted.within_us / 1000:g}",
                field="preemptible_within_ms",
            )
        shortest_us = 0
        for pieces in range(2, MAX_PIECES + 1):
            found = split(self._priced, pieces)
            predicted_us = max(self._priced.sum_us(piece) for piece in found)
            if len(found) < pieces:
                break
            # The finest cut is tried in any case, so that a refusal tells how short it gets.
            if predicted_us > wanted.within_us and pieces < MAX_PIECES:
                continue
            made = self._made(found)
            longest_us = max(piece.run_us for piece in made.pieces)
            if longest_us <= wanted.within_us:
                return made
            shortest_us = min(shortest_us or longest_us, longest_us)
        law = "preemptible_within_ms must be at least the time of the longest piece of a cut"
        least = (
            f"of up to {MAX_PIECES} pieces it takes {shortest_us / 1000:g} ms"
            if shortest_us
            else f"the model has no place to cut into up to {MAX_PIECES} such pieces"
        )
        raise InvalidModel(
            f"{law}; got {wanted.within_us / 1000:g}, but {least}", field="preemptible_within_ms"
        )

    def _covered(self, name: str) -> MadePartition:
        """The partition that gives a provider as much of the model as it runs right."""
        row = self._row(name)
        groups = ordered_groups(self._priced)
        folder = Path(self.request.folder)
        found = stretches(self.links, groups, row, self._inputs, folder)
        if not any(each.is_right for each in found):
            raise InvalidModel(
                f"{name} must run a part of the model; it runs none", field="provider"
            )
        if len(found) == 1:
            law = "must refuse the whole model, or compute it wrong, for a cut to help"
            raise InvalidModel(f"{name} {law}; it runs all of it", field="provider")
        kept = self._fewest(found)
        right_us = self._priced.sum_us(n for each in kept if each.is_right for n in each.nodes)
        made = self._made([set(each.nodes) for each in kept])
        share = right_us / self._priced.sum_us(self.links.nodes)
        return msgspec.structs.replace(made, share=share)

    def _row(self, name: str) -> Provider:
        try:
            row = provider(name)
            devices(row)
        except UnknownName as error:
            raise InvalidModel(error.message, field="provider") from None
        except ProviderRefused as error:
            law = "provider must be usable on the computer of the service"
            raise InvalidModel(f"{law}; {error.reason}", field="provider") from None
        return row

    def _fewest(self, found: Sequence[Stretch]) -> list[Stretch]:
        """At most so many stretches as pieces may be: the shortest are left to others."""
        kept = list(found)
        while len(kept) > MAX_PIECES:
            right = [place for place, each in enumerate(kept) if each.is_right]
            least = min(right, key=lambda place: self._priced.sum_us(kept[place].nodes))
            beside = range(max(0, least - 1), min(least + 2, len(kept)))
            joined = [place for place in beside if place == least or not kept[place].is_right]
            nodes = frozenset().union(*(kept[place].nodes for place in joined))
            kept[joined[0] : joined[-1] + 1] = [Stretch(nodes, is_right=False)]
        return kept

    @cached_property
    def _inputs(self) -> Values:
        """Made-up inputs of the model, with the examples of its user."""
        session = open_session(Path(self.request.path), provider("cpu"))
        made = seeded_inputs(session.inputs, self.request.shapes, SEEDS[0])
        return made | dict(self.examples)

    @cached_property
    def _priced(self) -> Priced:
        request, row = self.request, provider("cpu")
        path = Path(request.folder) / "named.onnx"
        path.write_bytes(named(self.links).SerializeToString())
        kernels, _ = operator_times(path, row, self._inputs, runs=_RUNS)
        measured = {each.name: each.kernel_ns / 1000 for each in kernels}
        whole_us = max(1, round(sum(measured.values())))
        return Priced.of(self.links, request.shapes, whole_us=whole_us, measured_us=measured)

    def _made(self, pieces: Sequence[set[int]]) -> MadePartition:
        models = [extract(self.links, nodes) for nodes in pieces]
        paths = [self._written(model, place) for place, model in enumerate(models)]
        proof = prove(
            Path(self.request.path),
            paths,
            shapes=self.request.shapes,
            examples=self.examples,
        )
        return MadePartition(
            cuts=tuple(_cuts(models)),
            pieces=tuple(
                _piece(path, model, proof, place)
                for place, (path, model) in enumerate(zip(paths, models, strict=True))
            ),
            whole_us=proof.whole_us,
            inputs_tried=proof.inputs,
            is_bitwise=proof.is_bitwise,
            error=proof.error,
        )

    def _written(self, model: ModelProto, place: int) -> Path:
        path = Path(self.request.folder) / f"{place}.onnx"
        path.write_bytes(model.SerializeToString(deterministic=True))
        return path


def _cuts(models: Sequence[ModelProto]) -> Iterator[tuple[str, ...]]:
    """Per cut the tensors that cross it."""
    for place in range(1, len(models)):
        made = [v.name for model in models[:place] for v in model.graph.output]
        read = {v.name for model in models[place:] for v in model.graph.input}
        yield tuple(name for name in made if name in read)


def _piece(path: Path, model: ModelProto, proof: Proof, place: int) -> MadePiece:
    content = path.read_bytes()
    info = describe(model, len(content))
    return MadePiece(
        file=path.name,
        digest=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        inputs=info.inputs,
        outputs=info.outputs,
        shapes={tensor.name: proof.shapes[tensor.name] for tensor in info.inputs},
        run_us=proof.piece_us[place],
        crossing_bytes=proof.crossing_bytes[place],
    )


def _array(value: Value) -> object:
    (tensor,) = value.tensors
    assert tensor.inline is not None
    return decoded(tensor, tensor.inline)


if __name__ == "__main__":
    main()
