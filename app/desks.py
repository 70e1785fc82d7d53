"""What endpoints are given that open sessions of their own: several, or as nobody who has a key."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends
from sqlalchemy.orm import Session

from app.access import Actor
from app.auditing import acting
from app.contexts import AUTHENTICATION, SYSTEM
from app.db import Database
from app.deps import CurrentActor, CurrentDatabase
from app.services.disclosures import record_disclosure


@dataclass(frozen=True, slots=True)
class Door:
    """The database as far as it takes to find out who calls: accounts, keys, sessions."""

    database: Database

    def look(self) -> AbstractContextManager[Session]:
        """A session for reading."""
        return self.database.reading(AUTHENTICATION)

    def settle(self) -> AbstractContextManager[Session]:
        """A session that commits at the end of the block."""
        return self.database.writing(AUTHENTICATION)


@dataclass(frozen=True, slots=True)
class Desk:
    """Several transactions of one request, where something slow lies between them."""

    database: Database
    actor: Actor

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session of the actor for reading."""
        with self.database.reading(self.actor) as session:
            acting(session, self.actor)
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session of the actor that commits at the end of the block."""
        with self.database.writing(self.actor) as session:
            acting(session, self.actor)
            yield session


async def get_door(database: CurrentDatabase) -> Door:
    """For endpoints at which one signs in."""
    return Door(database)


async def get_desk(database: CurrentDatabase, actor: CurrentActor) -> Desk:
    """For endpoints that compute between reading and writing."""
    return Desk(database, actor)


@dataclass(frozen=True, slots=True)
class LinkDesk:
    """The database for who holds the token of a link in a mail, and is known by nothing else.

    As the system, which alone sees links; whoever asks it for anything has found the link first.
    """

    database: Database

    def look(self) -> AbstractContextManager[Session]:
        """A session for reading."""
        return self.database.reading(SYSTEM)

    def act(self) -> AbstractContextManager[Session]:
        """A session that commits at the end of the block."""
        return self.database.writing(SYSTEM)


async def get_link_desk(database: CurrentDatabase) -> LinkDesk:
    """For the pages behind the links of mails."""
    return LinkDesk(database)


CurrentDoor = Annotated[Door, Depends(get_door)]
CurrentLinkDesk = Annotated[LinkDesk, Depends(get_link_desk)]
CurrentDesk = Annotated[Desk, Depends(get_desk)]


@dataclass(frozen=True, slots=True)
class Ledger:
    """Writes down which released versions the caller is shown, before they are sent."""

    database: Database
    actor: Actor

    def record(self, versions: Iterable[UUID]) -> None:
        """One entry for each version, committed at once."""
        shown = list(versions)
        if shown:
            with self.database.writing(self.actor) as session:
                acting(session, self.actor)
                for version in shown:
                    record_disclosure(session, version, actor=self.actor)


async def get_ledger(database: CurrentDatabase, actor: CurrentActor) -> Ledger:
    """The ledger of who has seen which version of which need."""
    return Ledger(database, actor)


CurrentLedger = Annotated[Ledger, Depends(get_ledger)]
