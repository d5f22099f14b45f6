"""The API against its own description: Schemathesis asks what it allows and what it forbids."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from node.people import Role
from tests.support.guarded import Guarded, guarded
from tests.unit.status.conftest import Stage


def description() -> dict[str, Any]:
    """What the node says of its API, as GET /openapi.json."""
    with TemporaryDirectory() as folder, guarded(Path(folder)) as one:
        return one.app().openapi()


DESCRIBED = schemathesis.openapi.from_dict(description())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("described")) as one:
        one.add("ana")
        yield one


@pytest.fixture(scope="module")
def address(page: Guarded, stage: tuple[Stage, httpx.Client]) -> str:
    stage[0].app = page.app()
    return str(stage[1].base_url)


@pytest.fixture(scope="module")
def token(page: Guarded) -> str:
    return page.token(Role.ADMINISTRATOR)


@DESCRIBED.parametrize()
@settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    max_examples=10,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_api_describes(
    case: schemathesis.Case, address: str, token: str
) -> None:
    """Whatever is asked, the answer has a status, a type and a shape that are told; never a 500."""
    headers = {"Authorization": f"Bearer {token}"}
    # what makes a password weak is more than a schema can say
    weak = [positive_data_acceptance] if "password" in str(case.body) else []
    answer = case.call_and_validate(
        base_url=address, headers=headers, excluded_checks=weak, timeout=120
    )
    assert answer.status_code < 500 or answer.status_code == 503
