"""The server of gRPC, beside that of HTTP in the same process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import grpc

from api.http.context import Context
from api.http.oip.models import Called
from api.http.oip.rpc.messages import SERVICE, message_class
from api.http.oip.rpc.service import OpenInferenceService, problem_at
from scheduler.model.errors import Unavailable

CLOSE_S = 5.0
"""Calls under way have so long to end when the service does."""
_CODES = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.FAILED_PRECONDITION,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""Codes of gRPC by those of HTTP; what is wrong with a request else is an invalid argument."""
_Method = Callable[[Any, grpc.aio.ServicerContext], Awaitable[Any]]


@asynccontextmanager
async def serving(context: Context, called: Called, port: int) -> AsyncIterator[int]:
    """Answer over gRPC meanwhile; gives the port, which is chosen where 0 is asked for.

    Raises
    ------
    Unavailable
        If the port is taken.
    """
    settings = context.settings
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", settings.max_request_bytes),
            ("grpc.max_send_message_length", -1),
            # Two services on one port would share the calls of both.
            ("grpc.so_reuseport", 0),
        ]
    )
    server.add_generic_rpc_handlers((_handler(OpenInferenceService(context, called)),))
    try:
        bound = server.add_insecure_port(f"{settings.host}:{port}")
    except RuntimeError as error:
        raise Unavailable(
            f"port {port} of {settings.host} cannot be had for gRPC: {error}"
        ) from error
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(CLOSE_S)


def _handler(service: OpenInferenceService) -> grpc.GenericRpcHandler:
    unary = {
        "ServerLive": service.server_live,
        "ServerReady": service.server_ready,
        "ServerMetadata": service.server_metadata,
        "ModelReady": service.model_ready,
        "ModelMetadata": service.model_metadata,
        "ModelStatistics": service.model_statistics,
        "RepositoryIndex": service.repository_index,
        "ModelInfer": service.model_infer,
    }
    methods = {
        name: grpc.unary_unary_rpc_method_handler(
            _refusing(method),
            request_deserializer=message_class(f"{name}Request").FromString,
            response_serializer=message_class(f"{name}Response").SerializeToString,
        )
        for name, method in unary.items()
    }
    methods["ModelStreamInfer"] = grpc.stream_stream_rpc_method_handler(
        service.model_stream_infer,
        request_deserializer=message_class("ModelInferRequest").FromString,
        response_serializer=message_class("ModelStreamInferResponse").SerializeToString,
    )
    return grpc.method_handlers_generic_handler(SERVICE, methods)


def _refusing(method: _Method) -> _Method:
    """The method, whose errors are answers with a code."""

    @wraps(method)
    async def answered(asked: Any, caller: grpc.aio.ServicerContext) -> Any:
        try:
            return await method(asked, caller)
        except Exception as error:
            problem = problem_at(error)
            await caller.abort(_code(problem.status), problem.detail)

    return answered


def _code(status: int) -> grpc.StatusCode:
    if status >= 500:
        return _CODES.get(status, grpc.StatusCode.INTERNAL)
    return _CODES.get(status, grpc.StatusCode.INVALID_ARGUMENT)
