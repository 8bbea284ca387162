"""What holds for every route, found by walking the application."""

import pytest
from fastapi.dependencies.models import Dependant
from tests.gateway.analysis import Worker, add_study
from tests.gateway.installation import Installation
from tests.gateway.routes import PUBLIC, AnyId, code_of, routes_of

from gateway.audit.models import ActorKind, Outcome
from gateway.deps import ClientRequirement, PersonRequirement
from gateway.transactions import AuditedRoute, RefusalAuditedRoute
from ictus.domain.enums import Role


def names_its_callers(dependant: Dependant) -> bool:
    return any(
        isinstance(dependency.call, PersonRequirement | ClientRequirement) or names_its_callers(dependency)
        for dependency in dependant.dependencies
    )


def test_every_route_names_who_may_call_it(installation: Installation) -> None:
    open_to_all = {
        key
        for key, route in routes_of(installation.app).items()
        if not names_its_callers(route.dependant) and not key[1].startswith("/internal/")
    }
    assert open_to_all == PUBLIC


def test_every_route_refuses_without_auth(
    installation: Installation, protected_routes: list[tuple[str, str]]
) -> None:
    browser = installation.browser()
    answers = {f"{method} {path}": browser.request(method, path) for method, path in protected_routes}
    assert {key: answer.status_code for key, answer in answers.items()} == dict.fromkeys(answers, 401)
    for key, answer in answers.items():
        kind = "application/fhir+json" if "/fhir/" in key else "application/problem+json"
        assert answer.headers["content-type"] == kind, key


def test_every_internal_route_refuses_without_the_service_token(installation: Installation) -> None:
    person = installation.add_person(Role.ADMIN).sign_in()
    before = len(installation.audit())
    internal = {
        (method, path): route
        for (method, path), route in routes_of(installation.app).items()
        if path.startswith("/internal/")
    }
    assert internal
    for method, path in internal:
        answer = person.request(method, path.format_map(AnyId()))
        assert answer.json()["code"] == "service_token_refused", path
    refusals = installation.audit()[before:]
    assert [row.action for row in refusals] == [route.audit.action for route in internal.values()]
    assert {(row.outcome, row.code, row.actor_kind) for row in refusals} == {
        (Outcome.REFUSED, "service_token_refused", ActorKind.ANONYMOUS)
    }


def test_every_route_of_the_api_is_audited(installation: Installation) -> None:
    boundaries = {"/api/": AuditedRoute, "/internal/": RefusalAuditedRoute}
    unaudited = {
        path
        for (_, path), route in routes_of(installation.app).items()
        for prefix, boundary in boundaries.items()
        if path.startswith(prefix) and not isinstance(route, boundary)
    }
    assert not unaudited


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN])
def test_another_sites_object_answers_404(installation: Installation, role: Role) -> None:
    """Whatever is asked about another site's study or job, the answer is the one for an id of nothing."""
    worker = Worker.of(installation)
    study_id = add_study(installation, installation.add_site())
    job = worker.must_claim()
    assert worker.complete(job).status_code == 204
    series_id = job.series[0].series_id
    there = AnyId(study_id=str(study_id), series_id=str(series_id), job_id=str(job.job_id))

    stranger = installation.add_person(role).sign_in()
    for method, path in routes_of(installation.app):
        if path.startswith("/api/") and ("{study_id}" in path or "{job_id}" in path):
            answers = [stranger.request(method, path.format_map(ids)) for ids in (there, AnyId())]
            statuses = {(answer.status_code, code_of(answer)) for answer in answers}
            assert len(statuses) == 1, path
            assert answers[0].status_code in {403, 404, 422}, path
            assert answers[0].status_code != 403 or code_of(answers[0]) == "role_refused"


def test_every_refusal_writes_audit(
    installation: Installation, protected_routes: list[tuple[str, str]]
) -> None:
    browser = installation.browser()
    for method, path in protected_routes:
        browser.request(method, path)
    trail = installation.audit()
    assert len(trail) == len(protected_routes)
    assert {(row.outcome, row.code, row.actor_kind) for row in trail} == {
        (Outcome.REFUSED, "not_signed_in", ActorKind.ANONYMOUS)
    }
    declared = [
        route.audit.action
        for route in routes_of(installation.app).values()
        if isinstance(route, AuditedRoute) and names_its_callers(route.dependant)
    ]
    assert sorted(row.action for row in trail) == sorted(declared)


def test_every_listing_writes_audit(installation: Installation) -> None:
    """Every GET without an id in its path, but streams, answers an administrator and is in the trail."""
    admin = installation.add_person(Role.ADMIN)
    browser = admin.sign_in()
    before = len(installation.audit())
    listings = {
        path: route.audit.action
        for (method, path), route in routes_of(installation.app).items()
        if method == "GET"
        and isinstance(route, AuditedRoute)
        and (method, path) not in PUBLIC
        and "{" not in path
        and not path.endswith("/events")
    }
    answers = {path: browser.get(path).status_code for path in listings}
    trail = installation.audit()[before:]
    assert [row.action for row in trail] == list(listings.values())
    for row, status in zip(trail, answers.values(), strict=True):
        assert (row.actor_id, row.site_id) == (admin.user_id, admin.site_id)
        assert (row.outcome is Outcome.DONE) == (status < 400)


def test_every_operation_is_described(installation: Installation) -> None:
    document = installation.app.openapi()
    known_tags = {tag["name"] for tag in document["tags"]}
    seen: set[str] = set()
    refusals = {"/api/v1/oauth/token": "application/json"}  # RFC 6749, 5.2
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["operationId"] not in seen, path
            seen.add(operation["operationId"])
            assert set(operation["tags"]) <= known_tags, path
            assert operation["summary"], path
            assert operation["description"], path
            for status, response in operation["responses"].items():
                if status >= "400":
                    kinds = {"application/problem+json", refusals.get(path, "application/problem+json")}
                    if path.startswith("/api/v1/fhir/"):
                        kinds = {"application/fhir+json"}
                    if path.startswith("/api/v1/dicomweb/") and status == "409":
                        kinds.add("application/dicom+json")  # PS3.18 10.5.3: what of a store was refused
                    assert set(response["content"]) <= kinds, (path, status)
            if (method.upper(), path) not in PUBLIC:
                assert operation["security"], path
