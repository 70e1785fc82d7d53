"""The present day, in the time zone of the settings."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from app.settings import get_settings


def today() -> date:
    """The present day."""
    return datetime.now(ZoneInfo(get_settings().time_zone)).date()
