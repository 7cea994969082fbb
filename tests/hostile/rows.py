"""Rows of an object-relational mapper, whose attributes ask a database when they are read."""

from typing import Any

from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column, relationship


class Base(MappedAsDataclass, DeclarativeBase):
    """The tables' base."""


class Table(Base):
    """A table of the restaurant."""

    __tablename__ = "seat"
    id: Mapped[int] = mapped_column(primary_key=True)
    guest_id: Mapped[int] = mapped_column(ForeignKey("guest.id"))


class Guest(Base):
    """A guest, whose name and tables are loaded when they are asked for."""

    __tablename__ = "guest"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(deferred=True)
    tables: Mapped[list[Table]] = relationship(default_factory=list)


def row(*, detached: bool) -> Any:
    """Return a row whose fields have expired; a detached one cannot load them again."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Guest(1, "Ada"))
        session.commit()
        found = session.get(Guest, 1)
        session.expire(found)
        if detached:
            session.expunge(found)
        return found
