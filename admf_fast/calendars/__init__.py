"""Sessions of the markets: when they open and close, in UTC and in local time."""

from admf_fast.calendars.calendar import Calendar, load_calendar
from admf_fast.data.spec import CALENDARS

__all__ = ["CALENDARS", "Calendar", "load_calendar"]
