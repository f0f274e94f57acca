"""The methods of the service over gRPC. Each answers as its twin over HTTP does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from grpc.aio import ServicerContext

from api.http.auth import Scope
from api.http.context import Context
from api.http.errors import Problem, internal, problem_of
from api.http.oip.inference import Inferred, infer
from api.http.oip.models import Called, index, is_in_office, is_ready, metadata, server
from api.http.oip.requests import MOST_TIMEOUT_US, InferRequest, request_of
from api.http.oip.rpc.forms import inferred, made, said
from api.http.oip.rpc.messages import message_class
from api.store.catalogue import ModelRecord
from scheduler.model.errors import Defect, FjordError

EXTENSIONS = ("model_repository", "statistics")


@dataclass(frozen=True, slots=True)
class OpenInferenceService:
    """The models of a site, for callers over gRPC."""

    context: Context
    called: Called

    async def server_live(self, _: Any, __: ServicerContext) -> Any:
        """Say that this process lives."""
        return made("ServerLiveResponse", {"live": True})

    async def server_ready(self, _: Any, __: ServicerContext) -> Any:
        """Say if a controller is in office."""
        return made("ServerReadyResponse", {"ready": await is_in_office(self.context)})

    async def server_metadata(self, _: Any, caller: ServicerContext) -> Any:
        """Give name, version and extensions of the service."""
        self._admit(caller, Scope.READ)
        return made("ServerMetadataResponse", server(EXTENSIONS))

    async def model_ready(self, asked: Any, caller: ServicerContext) -> Any:
        """Say if a model can be called."""
        self._admit(caller, Scope.READ)
        record = await self._model(asked.name, asked.version)
        return made("ModelReadyResponse", {"ready": await is_ready(record, self.context)})

    async def model_metadata(self, asked: Any, caller: ServicerContext) -> Any:
        """Give inputs and outputs of a model."""
        self._admit(caller, Scope.READ)
        return made("ModelMetadataResponse", metadata(await self._model(asked.name, asked.version)))

    async def model_statistics(self, asked: Any, caller: ServicerContext) -> Any:
        """Give the statistics of a model, or of all."""
        self._admit(caller, Scope.READ)
        if asked.name:
            records = [await self._model(asked.name, asked.version)]
        else:
            records = await self.context.store.models()
        found = [self.called.of(record.name).said(record.name) for record in records]
        return made("ModelStatisticsResponse", {"model_stats": found})

    async def repository_index(self, _: Any, caller: ServicerContext) -> Any:
        """List the models."""
        self._admit(caller, Scope.READ)
        return made("RepositoryIndexResponse", {"models": index(await self.context.store.models())})

    async def model_infer(self, asked: Any, caller: ServicerContext) -> Any:
        """Run a model once."""
        self._admit(caller, Scope.SUBMIT)
        record = await self._model(asked.model_name, asked.model_version)
        with self.called.of(record.name).counted() as done:
            outputs = [info.name for info in record.outputs]
            request = _in_time(request_of(*said(asked), record.inputs, outputs), caller)
            found = await self._infer(record, request, caller)
            done(found.waited_us, found.computed_us)
        return inferred(record.name, request, found)

    async def model_stream_infer(
        self, requests: AsyncIterator[Any], caller: ServicerContext
    ) -> AsyncIterator[Any]:
        """Run a model for each request of a stream, one after another; an error does not end it."""
        response = message_class("ModelStreamInferResponse")
        async for asked in requests:
            try:
                yield response(infer_response=await self.model_infer(asked, caller))
            except Exception as error:
                failed = message_class("ModelInferResponse")(id=asked.id)
                yield response(error_message=problem_at(error).detail, infer_response=failed)

    async def _model(self, name: str, version: str) -> ModelRecord:
        return await self.called.find(name, version, self.context)

    async def _infer(
        self, record: ModelRecord, request: InferRequest, caller: ServicerContext
    ) -> Inferred:
        gone = asyncio.Event()
        caller.add_done_callback(lambda _: gone.set())
        inferring = asyncio.create_task(infer(record, request, self.context, gone.wait))
        try:
            return await asyncio.shield(inferring)
        except asyncio.CancelledError:
            # The caller has gone, of which the task hears too: it gives up what it began.
            inferring.add_done_callback(asyncio.Task.exception)
            raise

    def _admit(self, caller: ServicerContext, right: Scope) -> None:
        headers = dict(caller.invocation_metadata() or ())
        self.context.gate.admit_bearer(str(headers.get("authorization", "")), right)


def problem_at(error: Exception) -> Problem:
    """The answer to a request that failed: its own fault, or one of ours, which is logged."""
    if isinstance(error, FjordError) and not isinstance(error, Defect):
        return problem_of(error)
    return internal(error)


def _in_time(request: InferRequest, caller: ServicerContext) -> InferRequest:
    """The request with the deadline of its caller, if that is sooner than its own."""
    left_s = caller.time_remaining()
    if left_s is None or left_s * 1e6 >= (request.timeout_us or MOST_TIMEOUT_US):
        return request
    return replace(request, timeout_us=max(1, int(left_s * 1e6)))
