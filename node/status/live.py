"""The stream of changes that open pages follow (server-sent events)."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from node.status.server import IS_CLOSING
from node.status.watch import Watch

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # no proxy may collect events
_AGAIN_MS = 3000


def router(watch: Watch) -> APIRouter:
    """The address of the stream."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/live")
    async def live(request: Request) -> StreamingResponse:
        is_closing = request.scope.get(IS_CLOSING, lambda: False)

        async def events() -> AsyncIterator[str]:
            yield f"retry: {_AGAIN_MS}\n\n"
            async for version in watch.changes(is_closing):
                yield ": quiet\n\n" if version is None else f"data: {version}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream", headers=_HEADERS)

    return routes
