"""The next-step rules: the present version, and putting another."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.reports.errors import RulesChangedError
from gateway.reports.models import NextStepRules
from gateway.reports.schemas import NextStepRulesOut
from ictus.report import NextStepTable, default_table


class NextStepRulesService:
    """The rules within ``session``'s transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def current(self) -> NextStepRulesOut:
        """The rules that hold now."""
        stored = self._session.scalar(select(NextStepRules).order_by(NextStepRules.version.desc()).limit(1))
        if stored is None:
            return NextStepRulesOut(version=0, table=default_table(), changed_at=None, changed_by=None)
        return NextStepRulesOut(
            version=stored.version,
            table=NextStepTable.model_validate(stored.rules),
            changed_at=stored.created_at,
            changed_by=stored.created_by,
        )

    def replace(self, table: NextStepTable, based_on: int, by: UUID, now: datetime) -> NextStepRulesOut:
        """Make ``table`` the next version. Raises ``RulesChangedError`` unless ``based_on`` is the present one."""
        if self.current().version != based_on:
            raise RulesChangedError
        rules = NextStepRules(
            version=based_on + 1, rules=table.model_dump(mode="json"), created_at=now, created_by=by
        )
        try:
            with self._session.begin_nested():
                self._session.add(rules)
        except IntegrityError as error:  # two administrators at the same moment
            raise RulesChangedError from error
        return self.current()
